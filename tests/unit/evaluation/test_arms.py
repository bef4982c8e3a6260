import os
import subprocess
import sys

from poolscore.acquisition.registry import get_strategy, strategy_names
from poolscore.evaluation.arms import (
    JOINT_CONTROL,
    JOINT_DEFAULT,
    ActiveArm,
    LabelFreeArm,
    candidate_arms,
    fingerprint,
    joint_arms,
    selection_arms,
)
from poolscore.evaluation.records import Table
from poolscore.store.pool_rules import DEFAULT_STRATEGY


def active(arms: list[ActiveArm | LabelFreeArm]) -> dict[str, ActiveArm]:
    return {arm.name: arm for arm in arms if isinstance(arm, ActiveArm)}


def test_selection_arms_differ_by_the_strategy_alone() -> None:
    arms = active(selection_arms(strategy_names()))
    assert list(arms) == strategy_names()
    assert len({repr(arm.config) for arm in arms.values()}) == 1
    assert {arm.config.pseudo_per_class for arm in arms.values()} == {0}
    assert {name for name, arm in arms.items() if arm.asking is not None} == {"c_peal"}


def test_the_control_of_the_joint_table_differs_by_the_strategy_alone() -> None:
    arms = active(joint_arms(DEFAULT_STRATEGY))
    ours, control = arms[JOINT_DEFAULT], arms[JOINT_CONTROL]
    assert (ours.strategy, control.strategy) == (DEFAULT_STRATEGY, "random")
    assert ours.config == control.config
    assert ours.config.pseudo_per_class > 0
    assert all(get_strategy(arm.strategy) for arm in arms.values())


def test_candidate_arms_differ_by_the_loss_alone() -> None:
    arms = active(candidate_arms())
    assert {arm.table for arm in arms.values()} == {Table.CANDIDATES}
    assert {arm.strategy for arm in arms.values()} == {"random"}
    same = {"candidate_loss": "rc", "candidate_alignment": True}
    assert len({repr(arm.config.model_copy(update=same)) for arm in arms.values()}) == 1
    assert len({repr(arm.config) for arm in arms.values()}) == 4


def test_the_fingerprint_knows_what_a_name_stands_for() -> None:
    whole = fingerprint(strategy_names(), DEFAULT_STRATEGY)
    assert whole != fingerprint(strategy_names(), "random")
    script = (
        "from poolscore.acquisition.registry import strategy_names\n"
        "from poolscore.evaluation.arms import fingerprint\n"
        f"print(fingerprint(strategy_names(), {DEFAULT_STRATEGY!r}))"
    )
    # Not by chance: other addresses and another order of sets.
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == whole
