import numpy as np

from poolscore.acquisition.c_peal import c_peal
from poolscore.acquisition.registry import get_strategy
from tests.unit.acquisition.views import synthetic


def test_the_rule_is_balanced_entropy_under_its_own_name() -> None:
    view = synthetic(200, 4)
    expected = get_strategy("pcb_entropy").query(view, 8, np.random.default_rng(1))
    choice = c_peal().query(view, 8, np.random.default_rng(1))
    assert choice.rows.tolist() == expected.rows.tolist()
    assert c_peal().name == "c_peal"
