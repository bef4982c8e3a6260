from typing import get_args

import pytest

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.arms import LabelFreeArm, LabelFreeMethod
from poolscore.evaluation.label_free import run_label_free
from poolscore.evaluation.metrics import accuracy
from poolscore.evaluation.records import CellKey, Protocol, Table
from poolscore.evaluation.world import World
from poolscore.scoring.kernel import score
from tests.unit.evaluation.small_set import small_set


@pytest.mark.parametrize("method", get_args(LabelFreeMethod))
def test_nobody_is_asked_and_every_round_says_the_same(
    encoder: Encoder, method: LabelFreeMethod
) -> None:
    world = World(small_set(encoder, turn=0.6), encoder)
    key = CellKey(data="small", protocol=Protocol.PERCENT, table=Table.JOINT, arm=method, seed=0)
    cell = run_label_free(world, LabelFreeArm(method), key)
    assert [each.number for each in cell.rounds] == list(range(7))
    assert {each.answers for each in cell.rounds} == {0}
    assert len({each.accuracy for each in cell.rounds}) == 1
    assert cell.rounds[0].auroc is None
    zero_shot = accuracy(
        score(world.data.test_MD, world.zero_shot()).predicted, world.data.test_targets_M
    )
    if method == "zero-shot":
        assert cell.rounds[0].accuracy == zero_shot
    else:
        assert cell.rounds[0].accuracy > 0.5
