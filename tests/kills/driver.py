"""The process that a command line would be: runs an embedding on a cluster and ends."""

import os
import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = get_context("forkserver")
"""Drivers are forked from a process that has imported everything and connected to nothing: to
import torch takes longer than what is to be killed."""
CONTEXT.set_forkserver_preload([__name__, "pipelines.session", "tests.embedding_world"])

ROWS_PER_SHARD = 16


def start_driver(home: Path, source: Path, address: str) -> BaseProcess:
    """Begin the run of this home, or go on with it; its output is in `driver.log`."""
    driver = CONTEXT.Process(target=_drive, args=(home, source, address), daemon=True)
    driver.start()
    return driver


def warm_up() -> None:
    """Start the process that drivers are forked from."""
    first = CONTEXT.Process(target=int)
    first.start()
    first.join()


def _drive(home: Path, source: Path, address: str) -> None:
    from pipelines.config import EmbedConfig
    from pipelines.session import embed_here
    from poolscore.errors import PoolscoreError
    from tests.embedding_world import EmbeddingWorld
    from tests.kills.nodes import ENCODER_CPUS, WORKERS

    log = os.open(home / "driver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    config = EmbedConfig(
        rows_per_shard=ROWS_PER_SHARD,
        encode_batch=8,
        encoders=WORKERS,
        encoder_cpus=ENCODER_CPUS,
        encoder_threads=1,
        poll_s=0.1,
        no_progress_timeout_s=60,
    )
    world = EmbeddingWorld.open(home)
    try:
        embed_here(
            world.catalog,
            world.store,
            "photos",
            [str(source)],
            lambda _: None,
            lambda: False,
            config,
            address,
        )
    except PoolscoreError as error:
        print("error:", error.reason, error.message, file=sys.stderr)
        sys.exit(1)
