import os
import socket
import subprocess
import sys

import pytest

from poolscore.encoder.spec import EncoderSpec
from poolscore.store.catalog import Catalog
from poolscore.store.owners import is_gone, owner_name
from poolscore.store.pools import create_pool
from poolscore.store.records import RunKind
from poolscore.store.run_queue import begin_run, claim_run


def dead_process() -> int:
    """Return the id of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_this_process_lives() -> None:
    assert owner_name("trainer") == f"trainer@{socket.gethostname()}:{os.getpid()}"
    assert not is_gone(owner_name("trainer"))


def test_a_process_that_has_ended_is_gone() -> None:
    assert is_gone(f"cli@{socket.gethostname()}:{dead_process()}")


@pytest.mark.parametrize("owner", ["", "worker", "cli@elsewhere:1", "cli@", "a@b@c:x"])
def test_of_others_nothing_is_known(owner: str) -> None:
    assert not is_gone(owner)


def test_the_run_of_a_dead_process_is_claimed_at_once(tmp_path: os.PathLike[str]) -> None:
    catalog = Catalog.open(f"sqlite:///{tmp_path}/catalog.db")
    create_pool(catalog, "p", ["a", "b"], "", EncoderSpec(), "d", "random", 0)
    dead, living = f"cli@{socket.gethostname()}:{dead_process()}", owner_name("cli")
    create_pool(catalog, "q", ["a", "b"], "", EncoderSpec(), "d", "random", 0)
    begin_run(catalog, "q", RunKind.EMBED, {"source": "1"}, living)
    run = begin_run(catalog, "p", RunKind.EMBED, {"source": "2"}, dead)
    claimed = claim_run(catalog, [RunKind.EMBED], "me", 3600)
    assert claimed is not None
    assert (claimed.number, claimed.owner, claimed.attempts) == (run.number, "me", 2)
    assert claim_run(catalog, [RunKind.EMBED], "you", 3600) is None
