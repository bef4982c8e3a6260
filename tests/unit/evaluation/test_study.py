from poolscore.encoder.encoder import Encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.arms import candidate_arms, joint_arms, selection_arms
from poolscore.evaluation.records import Protocol, Table
from poolscore.evaluation.study import Plan, run_tasks
from tests.unit.evaluation.small_set import small_set


def plan(encoder: Encoder, seeds: int = 2) -> Plan:
    arms = [*selection_arms(["random", "coverage"]), *candidate_arms()]
    return Plan([small_set(encoder)], arms, list(Protocol), seeds, [0.1, 0.5])


def test_every_cell_is_planned_once_and_seeds_come_one_after_the_other(encoder: Encoder) -> None:
    keys = [task.key for task in plan(encoder).tasks()]
    # Two strategies by two protocols, four losses by two noises; both with two seeds.
    assert len(keys) == len(set(keys)) == 2 * (2 * 2 + 4 * 2)
    assert [key.seed for key in keys] == sorted(key.seed for key in keys)
    candidates = [key for key in keys if key.table is Table.CANDIDATES]
    assert {key.protocol for key in candidates} == {Protocol.PER_CLASS}
    assert {key.noise for key in candidates} == {0.1, 0.5}
    assert {key.noise for key in keys if key.table is Table.SELECTION} == {0.0}


def test_cells_come_from_other_processes(encoder: Encoder) -> None:
    data = small_set(encoder)
    arms = [arm for arm in joint_arms("random") if arm.name in ("zero-shot", "bafta")]
    tasks = Plan([data], arms, [Protocol.PERCENT], 2, []).tasks()
    cells = list(run_tasks(tasks, [data], EncoderSpec(), processes=2))
    assert sorted(map(repr, (cell.key for cell in cells))) == sorted(
        repr(task.key) for task in tasks
    )
    assert all(len(cell.rounds) == 7 for cell in cells)
