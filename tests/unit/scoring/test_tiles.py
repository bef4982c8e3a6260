import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from poolscore.scoring import tile_threads as module
from poolscore.scoring.tile_threads import tile_threads
from poolscore.scoring.tiles import for_each_tile, tile_rows

CPU = torch.device("cpu")


def test_every_row_is_seen_once_and_short_tiles_end_with_zeros() -> None:
    rows = tile_rows(CPU)
    features = np.arange(1, 2 * rows + 8, dtype=np.float32)[:, None].repeat(3, axis=1)
    seen: list[tuple[slice, list[float]]] = []

    def work(where: slice, v_nD: torch.Tensor) -> None:
        assert v_nD.shape == (rows, 3)
        seen.append((where, v_nD[:, 1].tolist()))

    for_each_tile(features, CPU, work)
    seen.sort(key=lambda tile: tile[0].start)
    assert [tile[0] for tile in seen] == [
        slice(0, rows),
        slice(rows, 2 * rows),
        slice(2 * rows, 2 * rows + 7),
    ]
    values = [value for _, column in seen for value in column]
    assert values == [*features[:, 0].tolist(), *[0.0] * (rows - 7)]


def test_threads_of_tiles_leave_the_others_their_cores() -> None:
    before = torch.get_num_threads()
    inside = tile_threads().submit(torch.get_num_threads).result()
    assert inside == 1
    assert torch.get_num_threads() == before
    found: list[int] = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [before]


def test_callers_that_come_at_once_share_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    start = module._start.__wrapped__  # pyright: ignore
    started: list[ThreadPoolExecutor] = []

    def count() -> ThreadPoolExecutor:
        started.append(start())
        return started[-1]

    monkeypatch.setattr(module, "_start", functools.cache(count))
    together = threading.Barrier(8)

    def ask() -> ThreadPoolExecutor:
        together.wait()
        return tile_threads()

    with ThreadPoolExecutor(8) as callers:
        found = {id(each.result()) for each in [callers.submit(ask) for _ in range(8)]}
    assert len(found) == len(started) == 1
    started[0].shutdown()
