from dataclasses import replace

import numpy as np
import pytest

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.arms import LABELS_ONLY, ActiveArm
from poolscore.evaluation.records import Cell, CellKey, Protocol, Table
from poolscore.evaluation.simulate import candidate_sets, plan_rounds, simulate
from poolscore.evaluation.world import World
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.train import TrainingSet
from poolscore.scoring.types import PromptFeatures
from tests.unit.evaluation.small_set import small_set

QUICK = LABELS_ONLY.model_copy(update={"min_steps": 40, "warm_start_steps": 5})


def key(arm: ActiveArm, seed: int = 0, noise: float = 0.0) -> CellKey:
    return CellKey(
        data="small",
        protocol=Protocol.PER_CLASS,
        table=arm.table,
        arm=arm.name,
        seed=seed,
        noise=noise,
    )


def arm(strategy: str, **changes: object) -> ActiveArm:
    return ActiveArm(strategy, Table.SELECTION, strategy, QUICK.model_copy(update=changes))


def without_times(cell: Cell) -> list[str]:
    return [each.model_copy(update={"seconds": 0.0}).model_dump_json() for each in cell.rounds]


def test_the_protocols() -> None:
    assert plan_rounds(Protocol.PER_CLASS, 3000, 43) == (8, 43)
    assert plan_rounds(Protocol.PERCENT, 3000, 43) == (6, 30)
    assert plan_rounds(Protocol.PERCENT, 3001, 43) == (6, 31)


def test_a_cell_from_zero_shot_to_the_last_round(world: World) -> None:
    cell = simulate(world, arm("coverage"), key(arm("coverage")))
    assert (cell.pool, cell.classes) == (120, 4)
    assert [each.number for each in cell.rounds] == list(range(9))
    assert [each.answers for each in cell.rounds] == [4 * number for number in range(9)]
    assert all(each.kept == each.pseudo_labels == 0 for each in cell.rounds)
    zero_shot, last = cell.rounds[0], cell.rounds[-1]
    assert last.accuracy > zero_shot.accuracy + 0.2
    assert zero_shot.auroc is not None
    # Zero-shot has no negative prompt: p_clean is the probability.
    assert zero_shot.auroc.p_clean == zero_shot.auroc.max_prob


def test_the_same_seed_the_same_numbers(world: World) -> None:
    first, again = (simulate(world, arm("random"), key(arm("random"))) for _ in range(2))
    other = simulate(world, arm("random"), key(arm("random"), seed=1))
    assert without_times(first) == without_times(again)
    assert without_times(first) != without_times(other)


def test_what_is_not_asked_for_is_never_looked_at(encoder: Encoder) -> None:
    """With other classes for every image that was not answered, accuracy stays what it was."""
    data, taken = small_set(encoder), set[int]()

    class Spy(World):
        def train(self, images: TrainingSet, config: DualPromptConfig, seed: int) -> PromptFeatures:
            for feature_D in images.features_ND:
                taken.add(int((data.pool_ND == feature_D).all(axis=1).argmax()))
            return super().train(images, config, seed)

    coverage = arm("coverage")
    before = simulate(Spy(data, encoder), coverage, key(coverage))
    assert len(taken) == 32
    answered = np.isin(np.arange(120), list(taken))
    hidden = np.where(answered, data.pool_targets_N, (data.pool_targets_N + 1) % 4)
    after = simulate(World(replace(data, pool_targets_N=hidden), encoder), coverage, key(coverage))
    assert [r.accuracy for r in before.rounds] == [r.accuracy for r in after.rounds]


def test_selective_querying_keeps_what_it_does_not_ask(encoder: Encoder) -> None:
    easy = World(small_set(encoder, turn=0.6, noise=0.04), encoder)
    selective = arm("cb_sq", text_every=1)
    cell = simulate(easy, selective, key(selective))
    assert [each.answers + each.kept for each in cell.rounds] == [4 * n for n in range(9)]
    assert cell.rounds[1].kept == 0
    assert cell.rounds[-1].kept > 0


@pytest.mark.parametrize(("confidence", "everywhere"), [(None, True), (0.9, False)])
def test_mining_adds_predictions(world: World, confidence: float | None, everywhere: bool) -> None:
    mining = arm("random", pseudo_per_class=3, pseudo_confidence=confidence)
    mined = [each.pseudo_labels for each in simulate(world, mining, key(mining)).rounds]
    assert mined[0] == 0
    assert max(mined) <= 12
    # By p_clean the surest are mined whatever they are; by outcomes not before they are right.
    assert (mined[1] == 12) == everywhere
    assert mined[-1] > 0


def test_candidate_sets_hold_the_truth_and_others_as_often_as_asked_for(world: World) -> None:
    data = replace(world.data, pool_targets_N=np.arange(4000) % 4)
    sets = candidate_sets(data, seed=0, noise=0.3)
    assert sets is not None
    assert sets[np.arange(4000), data.pool_targets_N].all()
    others = (sets.sum() - 4000) / (3 * 4000)
    assert others == pytest.approx(0.3, abs=0.02)
    assert candidate_sets(data, seed=0, noise=0.0) is None


def test_candidate_answers_are_learned_from(world: World) -> None:
    aligned = arm("random", candidate_loss="rc")
    noisy = simulate(world, aligned, key(aligned, noise=0.5))
    plain = simulate(world, aligned, key(aligned))
    assert noisy.rounds[-1].accuracy < plain.rounds[-1].accuracy
    assert noisy.rounds[-1].accuracy > 0.3


def test_another_model_may_ask(world: World) -> None:
    alone = arm("entropy")
    asked = replace(alone, asking=QUICK.model_copy(update={"adapter_rank": 0}))
    first, second = (simulate(world, each, key(each)) for each in (alone, asked))
    # Both ask by the same zero-shot prompts first, and train alike on the answers.
    assert without_times(first)[:2] == without_times(second)[:2]
    assert without_times(first)[2:] != without_times(second)[2:]
