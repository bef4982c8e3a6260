"""What a forked process does: the calls of one API replica, or the runs of one trainer."""

import os
import signal
import traceback
from itertools import count
from multiprocessing.connection import Connection
from typing import cast

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AbortedError, PoolscoreError
from poolscore.store import label_events, pools, prompt_versions, rankings, run_queue
from poolscore.store.catalog import Catalog
from poolscore.store.due_training import queue_due_training
from poolscore.store.owners import owner_name
from poolscore.store.records import RunKind, RunState
from services.api.backend import Backend
from services.api.ingress import Api
from services.questions import Questions
from tests.integration.services.model.commands import Broken, Command, Refused, Train, Trained
from tests.integration.services.model.world import order_of
from tests.seeding import rank


def open_backend(url: str, store_uri: str) -> Backend:
    """What the API works on, with nobody to ask or to wake."""
    return Backend.open(url, store_uri, lambda _: None, _nobody, cast("Questions", None))


def work(connection: Connection, backend: Backend, store_uri: str) -> None:
    """Do commands until the other side is gone."""
    die = _Death()
    while True:
        die.at(0)
        command: Command = connection.recv()
        die.at(command.die_at)
        result = do(command, backend, store_uri)
        die.at(0)
        connection.send(result)


def do(command: Command, backend: Backend, store_uri: str) -> object:
    """The answer to a command."""
    try:
        if isinstance(command, Train):
            return Trained(_train(backend.catalog, store_uri))
        return getattr(Api(backend), command.method)(command.request)
    except PoolscoreError as error:
        return Refused(error.reason)
    except Exception:
        return Broken(traceback.format_exc())


def _nobody(_: EncoderSpec) -> tuple[EncoderSpec, str]:
    raise AssertionError("no pool is made here")


class _Death:
    """SIGKILL at a moment that matters: around a statement, or before or after a commit."""

    def __init__(self) -> None:
        self.at(0)
        for target, name in (
            (Engine, "before_cursor_execute"),
            (Engine, "after_cursor_execute"),
            (Engine, "commit"),
            (Pool, "checkin"),
        ):
            event.listen(target, name, self._pass)

    def at(self, moment: int) -> None:
        self._last, self._moments = moment, count(1)

    def _pass(self, *_: object) -> None:
        if next(self._moments) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def _train(catalog: Catalog, store_uri: str) -> int:
    """The transactions of `services.worker` and `pipelines.train`, with nothing learned between."""
    owner = owner_name("trainer")
    run = run_queue.claim_run(catalog, [RunKind.TRAIN], owner)
    if run is None:
        return 0
    if run.prompt_version is not None:
        version = prompt_versions.get_prompt_version(catalog, run.pool_id, run.prompt_version)
    else:
        parent = pools.get_pool(catalog, run.pool_id).active_prompt_version
        mark, digest = label_events.newest_event(catalog, run.pool_id), f"{run.number:064d}"
        version = prompt_versions.add_prompt_version(
            catalog, run.pool_id, digest, "prompts/p", mark, mark, parent, {}, run=run
        )
    number = version.number
    ranking = rank(catalog, store_uri, run.pool_id, number, order_of(number))
    over = () if version.parent is None else (version.parent,)
    try:
        rankings.activate(catalog, run.pool_id, 1, number, ranking, over=over, run=run)
    except AbortedError as error:
        run_queue.finish_run(catalog, run, owner, RunState.FAILED, error.message)
    else:
        run_queue.finish_run(
            catalog, run, owner, RunState.SUCCEEDED, prompt_version=number, ranking=ranking
        )
    queue_due_training(catalog, run.pool_id)
    return run.number
