"""One simulation: ask, train, measure, round after round, on images whose classes are known.

Shapes: N images of the pool, L of them answered, C classes.
"""

import math
import time
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Int64
from poolscore.acquisition.build_view import ViewParts
from poolscore.acquisition.choose import choose
from poolscore.acquisition.registry import get_strategy
from poolscore.correctness.outcomes import calibrated
from poolscore.evaluation.arms import ActiveArm
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.evaluation.measure import judge, judge_signals
from poolscore.evaluation.records import Cell, CellKey, Protocol, Round
from poolscore.evaluation.world import Predictions, World
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.mining import mine_pseudo_labels
from poolscore.prompts.train import TrainingSet
from poolscore.scoring.kernel import score


def plan_rounds(protocol: Protocol, pool: int, classes: int) -> tuple[int, int]:
    """Return the number of rounds and the answers of each."""
    if protocol is Protocol.PERCENT:
        return 6, math.ceil(pool / 100)
    return 8, classes


def simulate(world: World, arm: ActiveArm, key: CellKey) -> Cell:
    """Run every round of one cell; the same arguments give the same numbers, times excepted."""
    data = world.data
    state = _State(world, arm, key)
    rounds, size = plan_rounds(key.protocol, len(data.ids_N), len(data.classes))
    done = [state.measure(0, 0.0)]
    for number in range(1, rounds + 1):
        started = time.process_time()
        state.ask(size, np.random.default_rng([key.seed, number]))
        state.train()
        done.append(state.measure(number, time.process_time() - started))
    return Cell(key=key, pool=len(data.ids_N), classes=len(data.classes), rounds=tuple(done))


class _State:
    """The answers so far and what was learned from them."""

    def __init__(self, world: World, arm: ActiveArm, key: CellKey) -> None:
        self._world, self._arm, self._key = world, arm, key
        self._rows_L, self._targets_L = np.empty(0, np.int64), np.empty(0, np.int64)
        self._kept_L = np.empty(0, np.bool_)
        self._pseudo_labels = 0
        self._measured = self._asking = self._asked_by = world.predict(world.zero_shot())
        self._newest = 0  # first of the answers of this round
        self._candidates_NC = candidate_sets(world.data, key.seed, key.noise)

    def ask(self, size: int, rng: np.random.Generator) -> None:
        """Let the strategy choose, and answer with the truth."""
        open_rows, self._newest = self._open(), len(self._rows_L)
        self._asked_by = self._asking
        choice = choose(get_strategy(self._arm.strategy), self._parts(open_rows), size, rng)
        rows = open_rows[choice.rows]
        kept = choice.keep_prediction
        kept = np.zeros(len(rows), np.bool_) if kept is None else kept
        predicted = self._asking.scores.predicted[rows]
        answers = np.where(kept, predicted, self._world.data.pool_targets_N[rows])
        self._rows_L = np.append(self._rows_L, rows)
        self._targets_L = np.append(self._targets_L, answers)
        self._kept_L = np.append(self._kept_L, kept)

    def train(self) -> None:
        """Train on every answer so far, from scratch."""
        self._measured = self._asking = self._trained(self._arm.config)
        if self._arm.asking is not None:
            self._asking = self._trained(self._arm.asking)

    def measure(self, number: int, seconds: float) -> Round:
        """Judge the prompts that are measured."""
        data = self._world.data
        tests = score(data.test_MD, self._measured.prompts)
        return Round(
            number=number,
            answers=int((~self._kept_L).sum()),
            kept=int(self._kept_L.sum()),
            pseudo_labels=self._pseudo_labels,
            **asdict(judge(data, tests.predicted, tests.probability)),
            auroc=judge_signals(data, self._measured, self._open()),
            seconds=seconds,
        )

    def _open(self) -> Int64:
        """Rows without an answer, in order."""
        return np.setdiff1d(np.arange(len(self._world.data.ids_N)), self._rows_L)

    def _parts(self, rows: Int64) -> ViewParts:
        data, by_id = self._world.data, np.argsort(self._rows_L)
        labeled = self._rows_L[by_id]
        return ViewParts(
            ids_N=data.ids_N[rows],
            scores=self._asking.scores.take(rows),
            classes=data.classes,
            prompts=lambda: self._asking.prompts,
            features=lambda some: data.pool_ND[rows[some]],
            labeled=lambda: (data.pool_ND[labeled], self._targets_L[by_id]),
        )

    def _trained(self, config: DualPromptConfig) -> Predictions:
        data, world = self._world.data, self._world
        mined, classes = self._mine(config)
        self._pseudo_labels = len(mined)
        candidates_NC = self._candidates_NC
        answered = TrainingSet(
            features_ND=data.pool_ND[self._rows_L],
            targets_N=self._targets_L,
            pseudo_N=np.zeros(len(self._rows_L), np.bool_),
            candidates_NC=None if candidates_NC is None else candidates_NC[self._rows_L],
        )
        images = answered.with_pseudo_labels(data.pool_ND[mined], classes)
        return world.predict(world.train(images, config, self._key.seed))

    def _mine(self, config: DualPromptConfig) -> tuple[Int64, Int64]:
        """Rows and classes that the prompts which asked are surest of; never answered ones."""
        seen, data = self._asked_by, self._world.data
        answered_N = np.zeros(len(data.ids_N), np.bool_)
        answered_N[self._rows_L] = True
        confidence_N: npt.NDArray[np.floating] = seen.scores.p_clean
        if config.pseudo_confidence is not None:
            confidence_N = self._p_correct(seen)
        return mine_pseudo_labels(
            seen.scores.predicted,
            confidence_N,
            data.ids_N,
            answered_N,
            config.pseudo_per_class,
            config.pseudo_confidence or 0.0,
        )

    def _p_correct(self, seen: Predictions) -> npt.NDArray[np.float64]:
        """By the answers of this round that name one class."""
        asked = np.arange(len(self._rows_L)) >= self._newest
        asked &= ~self._kept_L
        if self._candidates_NC is not None:
            asked &= self._candidates_NC[self._rows_L].sum(axis=1) == 1
        return calibrated(seen.evidence_N, seen.scores, self._rows_L[asked], self._targets_L[asked])


def candidate_sets(data: LabeledSet, seed: int, noise: float) -> npt.NDArray[np.bool_] | None:
    """The true class of every image and each other one with probability `noise`, (N, C).

    None without noise: answers are plain labels.
    """
    if noise == 0:
        return None
    truth_N, classes = data.pool_targets_N, len(data.classes)
    sets_NC = np.random.default_rng([seed, 0]).random((len(truth_N), classes)) < noise
    sets_NC[np.arange(len(truth_N)), truth_N] = True
    return sets_NC
