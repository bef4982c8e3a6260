"""The audit trail, written: one row for every change, in the transaction that makes it.

A row says who did what to which resource when, and has the facts from which `replay` makes the
change again. The database refuses to change or delete rows (migration 0006), here and in the tables
whose rows never change: of those the facts only name the rows that came. Of the others they hold
the columns that may change, as they are afterwards:

    {"batches": [{"number": 7, "state": "OPEN", "expire_time": "2026-01-02T03:04:05+00:00"}]}

A value that is a list of two numbers names the rows from the first to the last: {"label_events":
[{"sequence": [8, 12]}]}. What follows from the rest is not written: which items a lease holds, and
which answers are in force. Signs of life of a run (heartbeat, progress and the sequence that counts
them) are not in the trail while it runs; its end has them as they were last.
"""

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select

from poolscore.access.caller import current_caller
from poolscore.store.engine import lock_unpooled
from poolscore.store.records import utcnow
from poolscore.store.tables import api_tokens, audit_events, batches, neighbour_graphs, pools, runs

NO_POOL = ""
"""In the place of a pool's id in events of no pool, which are numbered among themselves."""


class Action(StrEnum):
    """What was done."""

    BEGIN_TRAIL = "BEGIN_TRAIL"
    """An older catalog was migrated: its state at that moment, maybe in several events."""
    CREATE_POOL = "CREATE_POOL"
    UPDATE_POOL = "UPDATE_POOL"
    DELETE_POOL = "DELETE_POOL"
    UNDELETE_POOL = "UNDELETE_POOL"
    ACTIVATE = "ACTIVATE"
    START_RUN = "START_RUN"
    RESTART_RUN = "RESTART_RUN"
    TAKE_RUN = "TAKE_RUN"
    NOTE_PROMPT_VERSION = "NOTE_PROMPT_VERSION"
    """A training run has made it, and may still fail to activate it."""
    CANCEL_RUN = "CANCEL_RUN"
    FINISH_RUN = "FINISH_RUN"
    ADD_SNAPSHOT = "ADD_SNAPSHOT"
    SET_NEIGHBOUR_GRAPH = "SET_NEIGHBOUR_GRAPH"
    ADD_PROMPT_VERSION = "ADD_PROMPT_VERSION"
    DECIDE_PROMOTION = "DECIDE_PROMOTION"
    ADD_RANKING = "ADD_RANKING"
    LEASE_BATCH = "LEASE_BATCH"
    EXTEND_BATCH = "EXTEND_BATCH"
    RELEASE_BATCH = "RELEASE_BATCH"
    EXPIRE_LEASES = "EXPIRE_LEASES"
    """A lease found that earlier ones had ended."""
    RECORD_LABELS = "RECORD_LABELS"
    RETRACT_LABEL = "RETRACT_LABEL"
    CREATE_TOKEN = "CREATE_TOKEN"
    REVOKE_TOKEN = "REVOKE_TOKEN"


CHANGING: Mapping[Table, tuple[str, ...]] = {
    pools: (
        "display_name",
        "classes",
        "strategy",
        "train_after_labels",
        "revision",
        "freed",
        "update_time",
        "active_snapshot",
        "active_prompt_version",
        "active_ranking",
        "budget",
        "spent",
        "delete_time",
    ),
    runs: (
        "state",
        "progress",
        "stages",
        "error",
        "sequence",
        "owner",
        "attempts",
        "cancel_requested",
        "start_time",
        "heartbeat_time",
        "end_time",
        "snapshot",
        "prompt_version",
        "ranking",
    ),
    neighbour_graphs: ("uri", "sha256", "k", "images", "details", "create_time"),
    batches: ("state", "expire_time"),
    api_tokens: ("revoke_time",),
}
"""Columns that may change; the others of these tables keep what a row was made with."""

Facts = Mapping[str, Sequence[Mapping[str, Any]]]
"""By table, the rows that came or changed."""

_NEXT = select(func.coalesce(func.max(audit_events.c.sequence), 0) + 1).where(
    audit_events.c.pool_id == bindparam("pool_id")
)
# Built once: the lease path writes one of these.
_INSERT = audit_events.insert().values(
    {column.name: bindparam(column.name) for column in audit_events.c}
    | {"sequence": _NEXT.scalar_subquery()}
)


def write_event(
    connection: Connection,
    pool_id: str,
    action: Action,
    resource: str,
    facts: Facts,
    *,
    now: datetime | None = None,
    request_id: str = "",
) -> None:
    """Add an event to a pool's trail, in the transaction that holds the pool and makes the change.

    Who did it is the current caller (`poolscore.access`), or without one the user and the process.
    `now` is the time that the change went by.
    """
    if pool_id == NO_POOL:
        lock_unpooled(connection)
    caller = current_caller()
    event = {
        "pool_id": pool_id,
        "create_time": now or utcnow(),
        "actor": caller.name or _this_process(os.getpid()),
        "token_id": caller.token_id,
        "action": action,
        "resource": resource,
        "request_id": request_id,
        "facts": {name: [_plain(row) for row in rows] for name, rows in facts.items()},
    }
    connection.execute(_INSERT, event)


@cache
def _this_process(pid: int) -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user that has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{pid}"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
