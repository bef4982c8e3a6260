"""What labels say of the active prompt version of a pool."""

import math
from collections.abc import Iterator

import numpy as np

from poolscore.evaluation.metrics import auroc, expected_calibration_error
from poolscore.metric import Metric
from poolscore.prompts.version_metrics import (
    CHANGED_PREDICTIONS,
    HELD_OUT,
    HELD_OUT_ACCURACY,
    HELD_OUT_AUROC,
    HELD_OUT_CALIBRATION_ERROR,
)
from poolscore.store.answered_predictions import AnsweredPredictions
from poolscore.store.pool_states import PoolState
from services.exporter import metrics
from services.exporter.sample import Sample

_HELD_OUT = {
    metrics.JUDGING_LABELS: HELD_OUT,
    metrics.ACCURACY: HELD_OUT_ACCURACY,
    metrics.AUROC: HELD_OUT_AUROC,
    metrics.CALIBRATION_ERROR: HELD_OUT_CALIBRATION_ERROR,
}


def judgements(pool: PoolState) -> Iterator[Sample]:
    """What was measured when the version was trained, and what the labels since then say."""
    if CHANGED_PREDICTIONS in pool.prompt_metrics:
        yield metrics.CHANGED, (), pool.prompt_metrics[CHANGED_PREDICTIONS]
    for metric, name in _HELD_OUT.items():
        if pool.prompt_metrics.get(HELD_OUT) and name in pool.prompt_metrics:
            yield metric, ("held_out",), pool.prompt_metrics[name]
    for metric, value in _answered(pool.answered):
        if not math.isnan(value):
            yield metric, ("answered",), value


def _answered(predictions: AnsweredPredictions) -> Iterator[tuple[Metric, float]]:
    p_clean_N = np.array(predictions.p_clean)
    right_N = np.array(predictions.right, np.bool_)
    if len(right_N):
        yield metrics.JUDGING_LABELS, len(right_N)
        yield metrics.ACCURACY, float(right_N.mean())
        yield metrics.AUROC, auroc(p_clean_N, right_N)
        yield metrics.CALIBRATION_ERROR, expected_calibration_error(p_clean_N, right_N)
