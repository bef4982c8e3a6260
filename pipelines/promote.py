"""Which labels judge a new prompt version, and what they say of it.

Shapes: N answered images, H held out of them.
"""

import numpy as np
import numpy.typing as npt

from pipelines.answers import UsableAnswers
from pipelines.embeddings import Embeddings, rows_of
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.held_out import compare, in_share, without_comparison
from poolscore.prompts.trained import TrainedPrompts
from poolscore.prompts.version_metrics import HELD_OUT
from poolscore.store.annotator_answers import answered_until
from poolscore.store.catalog import Catalog
from poolscore.store.records import Promotion, PromptVersion


def held_out_of(answers: UsableAnswers, config: DualPromptConfig) -> npt.NDArray[np.bool_]:
    """Images that are not trained with, (N,): of one class, in the share; none while too few."""
    held_out_N = in_share(answers.ids, config.held_out_share) & answers.single_N
    if held_out_N.sum() < config.held_out_least:
        held_out_N[:] = False
    return held_out_N


def judge(
    catalog: Catalog,
    active: PromptVersion,
    active_prompts: TrainedPrompts,
    candidate: TrainedPrompts,
    held_out: UsableAnswers,
    embeddings: Embeddings,
    config: DualPromptConfig,
) -> Promotion:
    """Compare the candidate with the active version on held-out images that neither has learned
    from.

    The active version may be of a time when nothing, or a smaller share, was held out: then only
    what was answered after it counts.
    """
    before = active_prompts.config
    share = before.held_out_share if before and active.metrics.get(HELD_OUT) else 0.0
    known = answered_until(catalog, active.pool_id, active.label_watermark)
    unseen_H = np.array([item not in known for item in held_out.ids], np.bool_)
    fair = held_out.where(unseen_H | in_share(held_out.ids, share))
    if len(fair.ids) < config.held_out_least:
        return without_comparison(len(fair.ids), config.held_out_least, active.number)
    return compare(
        active_prompts.features,
        candidate.features,
        embeddings.take(rows_of(embeddings.ids, fair.ids)),
        fair.targets_N,
        active.number,
    )
