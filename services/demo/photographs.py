"""A pool of thousands of JPEG files cut from sixteen real photographs, the same every time."""

import csv
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from poolscore.cores import cores
from services.demo.broken import write_broken, write_unusual
from services.demo.crops import crop, quality
from services.demo.subjects import SUBJECTS, photograph

POOL, TEST = 3000, 480
_CHUNK = 60


@dataclass(frozen=True)
class _Crop:
    number: int
    split: str
    label: str
    seed: int

    @property
    def path(self) -> str:
        return f"{'test' if self.split == 'test' else 'pool'}/{self.number:05d}.jpg"


def write_photographs(
    folder: Path,
    seed: int,
    on_progress: Callable[[int, int], None],
    pool: int = POOL,
    test: int = TEST,
) -> None:
    """Fill `folder` with `pool/`, `test/` and `labels.csv` (path, label, split), unless it is full.

    The labels file is written last, so that a folder without it is made anew.
    """
    labels = folder / "labels.csv"
    if labels.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("pool", "test"):
        (folder / name).mkdir(parents=True)
    crops = list(_plan(pool, test, seed))
    chunks = [crops[start : start + _CHUNK] for start in range(0, len(crops), _CHUNK)]
    # Spawned, not forked: the caller may have threads.
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as workers:
        done = 0
        for written in workers.map(_write, [folder] * len(chunks), chunks):
            done += written
            on_progress(done, len(crops))
    write_broken(folder / "pool")
    unusual = write_unusual(folder / "pool")
    rows = [(each.path, each.label, each.split) for each in crops]
    rows += [(f"pool/{name}", label, "train") for name, label in unusual.items()]
    unfinished = labels.with_suffix(".tmp")
    with unfinished.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        writer.writerows(rows)
    unfinished.replace(labels)


def _plan(pool: int, test: int, seed: int) -> Iterator[_Crop]:
    """The pool is unbalanced as real ones are (1 to 5 and more); the test images are balanced."""
    rng = np.random.default_rng(seed)
    names = list(SUBJECTS)
    weights = 1.0 / (1.0 + 0.35 * rng.permutation(len(names)))
    # Every class has some images, however small the pool is.
    drawn = [*names, *rng.choice(names, max(0, pool - len(names)), p=weights / weights.sum())]
    tests = [names[number % len(names)] for number in range(test)]
    splits = [("train", str(label)) for label in rng.permutation(drawn)[:pool]]
    splits += [("test", label) for label in tests]
    seeds = rng.integers(0, 2**63, len(splits))
    for number, ((split, label), own) in enumerate(zip(splits, seeds, strict=True)):
        yield _Crop(number, split, label, int(own))


def _write(folder: Path, crops: list[_Crop]) -> int:
    for each in crops:
        rng = np.random.default_rng(each.seed)
        crop(photograph(each.label), rng).save(folder / each.path, quality=quality(rng))
    return len(crops)
