"""How much a prompt version changes what is predicted.

Shapes: n images of a sample, D embedding width.
"""

import numpy as np

from pipelines.embeddings import Embeddings
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures

SAMPLE = 2_000
"""Images that are compared: enough for a share to two points."""


def changed_share(embeddings: Embeddings, before: PromptFeatures, after: PromptFeatures) -> float:
    """Share of the images whose predicted class is another one after; 0 of no images.

    Of at most `SAMPLE` images, evenly spread over the pool: reading all of a large pool once more
    would take as long as scoring it. Both prompts must be for the same classes.
    """
    count = len(embeddings.ids)
    if not count:
        return 0.0
    rows_n = np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.int64)
    features_nD = embeddings.take(rows_n)
    changed_n = score(features_nD, before).predicted != score(features_nD, after).predicted
    return float(changed_n.mean())
