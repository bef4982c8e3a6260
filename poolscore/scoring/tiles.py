"""Embeddings tile by tile, on the device and in float32.

Shapes: N images, n images of a tile, D embedding width.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt
import torch

from poolscore.scoring.tile_threads import tile_threads

_CPU_ROWS, _GPU_ROWS = 1024, 1 << 17
"""Rows whose work stays in the caches of a core, or fills a GPU."""


def tile_rows(place: torch.device) -> int:
    """Rows of every tile on `place`."""
    return _GPU_ROWS if place.type == "cuda" else _CPU_ROWS


def for_each_tile(
    embeddings_ND: npt.NDArray[np.floating],
    place: torch.device,
    work: Callable[[slice, torch.Tensor], None],
) -> None:
    """Call `work(rows, v_nD)` once for every tile, on a processor from several threads.

    All tiles have one size, the last one with zeros behind it: how a product rounds may depend on
    its size, and a score must not depend on how the pool was split. `v_nD` is overwritten when
    `work` has returned.
    """
    count, rows = len(embeddings_ND), tile_rows(place)
    starts = range(0, count, rows)
    loaders: SimpleQueue[_Loader] = SimpleQueue()

    def one(start: int) -> None:
        try:
            loader = loaders.get_nowait()
        except Empty:
            loader = _Loader(embeddings_ND, place)
        end = min(start + rows, count)
        with torch.inference_mode():
            work(slice(start, end), loader.load(embeddings_ND[start:end]))
        loaders.put(loader)

    if place.type == "cuda" or len(starts) < 2:
        for start in starts:
            one(start)
    else:
        for _ in tile_threads().map(one, starts):
            pass


class _Loader:
    """Buffers that are used again: new ones for each tile would cost more than the conversion."""

    def __init__(self, embeddings_ND: npt.NDArray[np.floating], place: torch.device) -> None:
        shape = (tile_rows(place), embeddings_ND.shape[1])
        self._full = np.zeros(shape, embeddings_ND.dtype)
        self._tile_nD = torch.empty(shape, device=place)

    def load(self, tile_nD: npt.NDArray[np.floating]) -> torch.Tensor:
        if len(tile_nD) < len(self._full) or not tile_nD.flags.writeable:
            # Short, or a shard mapped into memory, which torch would not take.
            self._full[: len(tile_nD)] = tile_nD
            self._full[len(tile_nD) :] = 0
            tile_nD = self._full
        return self._tile_nD.copy_(torch.from_numpy(tile_nD))
