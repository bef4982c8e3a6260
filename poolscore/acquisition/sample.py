"""A sample of a pool that depends on its ids and the seed, not on the order of its rows.

Shapes: N images of the pool, W characters of the longest id.
"""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Int64
from poolscore.acquisition.ordering import lowest

UInt64 = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x100000001B3)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def sample(ids_N: npt.NDArray[np.str_], count: int, seed: int) -> Int64:
    """Rows of min(count, N) items, each equally likely, in ascending order.

    Those with the smallest keyed hashes, so an item keeps its luck under one seed when others join
    the pool. `seed` is in 0..2^64-1.
    """
    if count >= len(ids_N):
        return np.arange(len(ids_N))
    luck_N = (_hashes(ids_N, np.uint64(seed)) >> np.uint64(11)).astype(np.float64)
    return np.sort(lowest(luck_N, ids_N, count))


def _hashes(ids_N: npt.NDArray[np.str_], seed: np.uint64) -> UInt64:
    """FNV-1a over the characters, then the last step of SplitMix64."""
    width = ids_N.dtype.itemsize // 4
    characters_NW = np.ascontiguousarray(ids_N).view(np.uint32).reshape(len(ids_N), width)
    hash_N = np.full(len(ids_N), seed, np.uint64)
    for column in range(width):
        character_N = characters_NW[:, column]
        # Shorter ids are padded with zeros, as far as the longest one of this pool reaches.
        np.multiply(hash_N ^ character_N, _PRIME, out=hash_N, where=character_N > 0)
    hash_N ^= hash_N >> np.uint64(30)
    hash_N *= _MULTIPLIERS[0]
    hash_N ^= hash_N >> np.uint64(27)
    hash_N *= _MULTIPLIERS[1]
    return hash_N ^ (hash_N >> np.uint64(31))
