"""Groups of images that show the same photograph.

Shapes: N images, K neighbours, P pairs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from poolscore.neighbours.lists import Int32, Int64, Neighbours

ALONE = -1
"""Group of an image that is in none."""
_BLOCK = 1 << 18

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class SamePhotograph:
    """When two neighbours in the graph are the same photograph [C]; measured in docs/methods.md."""

    similarity: float = 0.5
    """Cosine of their embeddings at least: pictures without structure have like hashes."""
    structure_bits: int = 4
    """Bits of 64 in which the first half of their perceptual hashes differs at most."""
    gradient_bits: int = 4
    """The same of the second half."""


def duplicate_groups(
    graph: Neighbours,
    hashes_N2: Words,
    hashed_N: npt.NDArray[np.bool_],
    rule: SamePhotograph | None = None,
) -> Int32:
    """Return for each image the lowest row of its group, or `ALONE`, (N,).

    A group is a connected component of pairs of neighbours that `rule` takes for the same
    photograph. `hashes_N2` are perceptual hashes as two words; an image that is not `hashed_N` (its
    shard is older than the hashes) is in no group.
    """
    first_P, second_P = _pairs(graph, hashes_N2, hashed_N, rule or SamePhotograph())
    root_N = _components(len(graph), first_P, second_P)
    sizes = np.bincount(root_N, minlength=len(graph))
    return np.where(sizes[root_N] > 1, root_N, ALONE).astype(np.int32)


def _pairs(
    graph: Neighbours, hashes_N2: Words, hashed_N: npt.NDArray[np.bool_], rule: SamePhotograph
) -> tuple[Int64, Int64]:
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(graph), _BLOCK):
        stop = min(start + _BLOCK, len(graph))
        near = graph.similarity_NK[start:stop] >= rule.similarity
        rows, places = np.nonzero(near)
        rows, others = rows + start, graph.rows_NK[rows + start, places].astype(np.int64)
        bits_P2 = np.bitwise_count(hashes_N2[rows] ^ hashes_N2[others])
        same = (bits_P2[:, 0] <= rule.structure_bits) & (bits_P2[:, 1] <= rule.gradient_bits)
        same &= hashed_N[rows] & hashed_N[others]
        firsts.append(rows[same])
        seconds.append(others[same])
    return np.concatenate(firsts), np.concatenate(seconds)


def _components(count: int, first_P: Int64, second_P: Int64) -> Int64:
    """Lowest row of the connected component of each row: the higher root hangs on the lower one."""
    root_N = np.arange(count)
    while True:
        one, other = root_N[first_P], root_N[second_P]
        if np.array_equal(one, other):
            return root_N
        np.minimum.at(root_N, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(root_N[root_N], root_N):
            root_N = root_N[root_N]
