"""Requests that have written label events: each is applied once and answered alike for ever."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import LabelResult
from poolscore.store.tables import label_requests

_EARLIER = select(label_requests.c.digest, label_requests.c.results).where(
    label_requests.c.pool_id == bindparam("pool"),
    label_requests.c.request_id == bindparam("request"),
)


def earlier_results(
    connection: Connection, pool_id: str, request_id: str, digest: str
) -> list[LabelResult] | None:
    """What a request has brought before; None when it is new.

    `digest` tells its content. Raises InvalidInputError REQUEST_ID_REUSED when it was another.
    """
    row = connection.execute(_EARLIER, {"pool": pool_id, "request": request_id}).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise InvalidInputError(
            f"request id '{request_id}' already recorded other answers; use a new request id",
            reason="REQUEST_ID_REUSED",
        )
    return [LabelResult(*result) for result in row.results]


def keep_results(
    connection: Connection,
    pool_id: str,
    request_id: str,
    digest: str,
    results: Sequence[LabelResult],
    now: datetime,
) -> None:
    """Keep what a request has brought, in the transaction that wrote it."""
    connection.execute(
        label_requests.insert(),
        {
            "pool_id": pool_id,
            "request_id": request_id,
            "digest": digest,
            "results": [astuple(result) for result in results],
            "create_time": now,
        },
    )
