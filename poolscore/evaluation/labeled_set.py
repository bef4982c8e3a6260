"""A labeled folder, embedded: everything that a simulation reads.

Shapes: N images of the pool, M test images, C classes, D embedding width.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.embedding_cache import embed_images
from poolscore.evaluation.labeled_folder import LabeledFolder
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.lists import Int64, Neighbours

Float16 = npt.NDArray[np.float16]


@dataclass(frozen=True)
class LabeledSet:
    """Images with their true classes; row i of each pool field is one image, by id."""

    name: str
    """The folder's, with the column of the classes if that is not `label`."""
    classes: tuple[str, ...]
    ids_N: npt.NDArray[np.str_]
    """Paths below the folder."""
    pool_ND: Float16
    pool_targets_N: Int64
    neighbours: Neighbours
    """Of the whole pool."""
    test_MD: Float16
    test_targets_M: Int64
    zero_shot_CD: torch.Tensor

    @property
    def digest(self) -> str:
        """Of images and classes."""
        digest = hashlib.sha256("\n".join([*self.classes, *self.ids_N]).encode())
        for values in (self.pool_targets_N, self.test_targets_M, self.pool_ND, self.test_MD):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]


def embed_labeled_folder(
    folder: LabeledFolder,
    encoder: Encoder,
    template: str,
    cache: Path,
    on_progress: Callable[[int, int], None],
) -> LabeledSet:
    """Embed a folder, or take its embeddings from `cache`. Raises InvalidInputError IMAGE_BROKEN.

    Columns of one folder share a cache: it is named by the folder.
    """
    pool, test = sorted(folder.pool), sorted(folder.test)
    images = [path for path, _ in [*pool, *test]]
    features = embed_images(encoder, images, cache, on_progress)
    index = {name: number for number, name in enumerate(folder.classes)}
    targets = np.array([index[name] for _, name in [*pool, *test]], np.int64)
    ids = [str(path.relative_to(folder.root)) for path, _ in pool]
    return LabeledSet(
        name=folder.name,
        classes=tuple(folder.classes),
        ids_N=np.array(ids, np.str_),
        pool_ND=features[: len(pool)],
        pool_targets_N=targets[: len(pool)],
        neighbours=nearest_neighbours(features[: len(pool)]),
        test_MD=features[len(pool) :],
        test_targets_M=targets[len(pool) :],
        zero_shot_CD=encoder.zero_shot(folder.classes, template),
    )
