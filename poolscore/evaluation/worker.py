"""A process that runs cells, one thread, one encoder, and what cells of a set share."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait

from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.arms import Arm, LabelFreeArm
from poolscore.evaluation.label_free import run_label_free
from poolscore.evaluation.labeled_set import LabeledSet
from poolscore.evaluation.records import Cell, CellKey
from poolscore.evaluation.simulate import simulate
from poolscore.evaluation.world import World

_worlds: dict[str, World] = {}
"""Of this process, by the name of the set."""


def start(sets: Sequence[LabeledSet], spec: EncoderSpec) -> None:
    """Prepare this process."""
    import faiss
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    encoder = load_encoder(spec, device="cpu")  # a processor each
    _worlds.update({data.name: World(data, encoder) for data in sets})


def run(arm: Arm, key: CellKey) -> Cell:
    """Run one cell."""
    world = _worlds[key.data]
    if isinstance(arm, LabelFreeArm):
        return run_label_free(world, arm, key)
    return simulate(world, arm, key)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
