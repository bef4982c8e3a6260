"""How good a prompt version is: accuracy on held-out images, and how well its doubt is placed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.embedding_cache import embed_images
from poolscore.evaluation.metrics import accuracy
from poolscore.scoring.kernel import score
from poolscore.scoring.types import PromptFeatures
from poolscore.v1 import query_service_pb2 as query_pb
from services.report.doubt import Doubt


@dataclass(frozen=True)
class HeldOut:
    """Embedded images with their classes, on which accuracy is measured."""

    features_ND: npt.NDArray[np.float16]
    targets_N: npt.NDArray[np.int64]

    def accuracy(self, prompts: PromptFeatures) -> float:
        """Share of images that the positive prompt classifies rightly."""
        return accuracy(score(self.features_ND, prompts).predicted, self.targets_N)


def doubt_of(items: Sequence[query_pb.RankedItem], truth: Mapping[str, str]) -> Doubt:
    """Compare the predictions of a ranking with the truth; items without a truth are left out."""
    known = [item for item in items if item.uri in truth]
    return Doubt(
        np.array([item.prediction.p_clean for item in known]),
        np.array([item.prediction.probability for item in known]),
        np.array([item.prediction.label == truth[item.uri] for item in known], np.bool_),
    )


def embed_test_set(
    encoder: Encoder,
    images: Sequence[tuple[Path, str]],
    classes: Sequence[str],
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> HeldOut:
    """Embed the images, or take them from `cache`. Raises InvalidInputError IMAGE_BROKEN."""
    index = {name: number for number, name in enumerate(classes)}
    targets = np.array([index[label] for _, label in images], np.int64)
    features = embed_images(encoder, [path for path, _ in images], cache, on_progress)
    return HeldOut(features, targets)
