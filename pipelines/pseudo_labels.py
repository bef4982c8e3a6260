"""Which predictions of the pool a training takes for labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.answers import UsableAnswers
from pipelines.embeddings import ScoredPool, rows_of
from poolscore.correctness.evidence import evidence, neighbour_support
from poolscore.correctness.outcomes import calibrated
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.limits import NEIGHBOURS
from poolscore.neighbours.lists import Neighbours
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.mining import mine_pseudo_labels
from poolscore.scoring.probabilities import class_probabilities
from poolscore.scoring.types import PromptFeatures
from poolscore.store.annotator_answers import AnnotatorAnswer
from poolscore.store.arrow import compute as pc

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Before:
    """What the active prompts say of the pool."""

    pool: ScoredPool
    prompts: PromptFeatures
    learned_from: frozenset[str]
    """Items that anything had been said of when they were trained."""
    graph: Callable[[], Neighbours | None] = lambda: None
    """Neighbours of every image among the pool's rows, if they are known."""


def mine(
    before: Before,
    answers: UsableAnswers,
    given: Sequence[AnnotatorAnswer],
    config: DualPromptConfig,
) -> tuple[Int64, Int64]:
    """Return rows of the pool and their classes; an answered image is never mined.

    By p_clean, or, with `pseudo_confidence`, by the probability of being right: that takes the
    embeddings of the whole pool and their neighbour graph into memory. Where the pool has no graph
    of so many neighbours it is made for this, which costs the square of the pool.
    """
    pool = before.pool
    ids = np.array(pool.ids.to_pylist(), dtype=np.str_)
    answered = pa.array([each.item_id for each in given], pa.string())
    exclude = pc.is_in(pool.ids, value_set=answered).to_numpy(zero_copy_only=False)
    # Zero-shot scores carry the probability as p_clean, so one rule serves every round.
    confidence: npt.NDArray[np.floating] = pool.scores.p_clean
    if config.pseudo_confidence is not None:
        outcomes = _outcomes(answers, before.learned_from)
        features_ND = pool.embeddings.take(np.arange(len(pool)))
        confidence = _p_correct(before, features_ND, outcomes)
    return mine_pseudo_labels(
        pool.scores.predicted,
        confidence,
        ids,
        exclude,
        config.pseudo_per_class,
        config.pseudo_confidence or 0.0,
    )


def _outcomes(answers: UsableAnswers, learned_from: frozenset[str]) -> dict[str, int]:
    """Class of every image that has one, by answers that the prompts have not learned from."""
    single = answers.single_N.tolist()
    named = zip(answers.ids, answers.targets_N.tolist(), single, strict=True)
    return {item: target for item, target, single in named if single and item not in learned_from}


def _p_correct(
    before: Before, features_ND: npt.NDArray[np.float16], outcomes: dict[str, int]
) -> npt.NDArray[np.float64]:
    graph = before.graph()
    if graph is None or graph.width < min(NEIGHBOURS, len(features_ND) - 1):
        graph = nearest_neighbours(features_ND)
    rows_NK = graph.first(NEIGHBOURS).rows_NK
    scores = before.pool.scores
    probabilities_NC = class_probabilities(features_ND, before.prompts)
    evidence_N = evidence(scores, neighbour_support(probabilities_NC, scores.predicted, rows_NK))
    rows = rows_of(before.pool.ids, list(outcomes))
    return calibrated(evidence_N, scores, rows, np.array(list(outcomes.values()), np.int64))
