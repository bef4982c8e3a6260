"""A uniform draw: the control that every other strategy must beat."""

import numpy as np
import numpy.typing as npt

from poolscore.acquisition.base import Choice, Need, PoolView
from poolscore.acquisition.ordering import lowest


class RandomChoice:
    """Images in an order that depends on the seed and on their ids, on nothing else."""

    name = "random"
    needs = frozenset[Need]()
    most = None
    batchwise = False

    def query(self, view: PoolView, batch_size: int, rng: np.random.Generator) -> Choice:
        """Return min(batch_size, N) rows; the utility is the draw, uniform in [0, 1)."""
        draws = _draws(view.ids, rng)
        rows = lowest(-draws, view.ids, batch_size)
        reason = f"drawn at random from {len(view.ids):,} images"
        return Choice(rows, draws[rows], [reason] * len(rows))


def _draws(ids_N: npt.NDArray[np.str_], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return one number in [0, 1) an id by a seeded hash, whatever the order of the pool.

    Multilinear hashing of the characters (Lemire and Kaser 2014) with random odd coefficients,
    mixed by the finaliser of splitmix64. Drawing after sorting the ids would give the same
    freedom from the pool's order, but sorting a million strings takes seconds.
    """
    length = ids_N.dtype.itemsize // 4
    chars = np.ascontiguousarray(ids_N).view(np.uint32).reshape(len(ids_N), length)
    key = rng.integers(0, 2**64, dtype=np.uint64)
    mixed = np.full(len(ids_N), key, np.uint64)
    for column in range(length):
        odd = rng.integers(0, 2**64, dtype=np.uint64) | np.uint64(1)
        mixed += chars[:, column] * odd
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
