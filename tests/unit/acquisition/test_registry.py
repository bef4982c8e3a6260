import re
from pathlib import Path

import pytest

from poolscore.acquisition.registry import get_strategy, strategy_names
from poolscore.errors import InvalidInputError


def test_names_lead_to_strategies_of_that_name() -> None:
    assert set(strategy_names()) >= {"dual_prompt", "entropy", "margin", "random"}
    assert all(get_strategy(name).name == name for name in strategy_names())


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(InvalidInputError, match="dirichlet_vacuity, dual_prompt, entropy") as error:
        get_strategy("best")
    assert error.value.reason == "UNKNOWN_STRATEGY"


def test_every_strategy_has_its_line_among_the_methods() -> None:
    page = (Path(__file__).parents[3] / "docs" / "methods.md").read_text(encoding="utf-8")
    section = page.split("## Strategies")[1].split("## ")[0]
    lines = re.findall(r"^\| `(\w+)`( ▪)? \|", section, re.MULTILINE)
    assert sorted(name for name, _ in lines) == strategy_names()
    assert all(get_strategy(name).batchwise is bool(mark) for name, mark in lines)
