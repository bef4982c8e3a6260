"""Label events, written: one transaction a request, with the result of every answer.

A late answer, to a lease that has expired or a batch that was released, is accepted: a label is a
label. If the item is leased to somebody else meanwhile, that lease is closed.

An answer that repeats the one in force for its item makes no event, so that a file of answers can
be sent again. What is in force decides, not what was ever said: after A and B, A is a correction.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, select

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Answer, LabelInput, LabelResult
from poolscore.store import sql
from poolscore.store.answer_columns import write_answer
from poolscore.store.batches import prediction_of
from poolscore.store.catalog import Catalog
from poolscore.store.in_force import InForce, answers_in_force
from poolscore.store.label_rules import Accepted, Evidence, Leased, judge_answer, judge_item
from poolscore.store.records import BatchState, Prediction, utcnow
from poolscore.store.tables import (
    batch_items,
    batches,
    effective_answers,
    item_leases,
    label_events,
    label_requests,
)

MAX_LABELS = 1000
KnownItems = Callable[[Sequence[str]], Sequence[bool]]
"""Which of these item ids the pool holds."""


def record_labels(
    catalog: Catalog,
    pool_id: str,
    inputs: Sequence[LabelInput],
    request_id: str | None,
    *,
    known_items: KnownItems | None = None,
    now: datetime | None = None,
) -> list[LabelResult]:
    """Record 1 to 1000 answers; returns one result each, in order. Durable when it returns.

    A refused answer (UNKNOWN_CLASS, INVALID_CANDIDATES, UNKNOWN_ITEM, BATCH_NOT_FOUND, WRONG_BATCH)
    never loses the others. The same request id is applied once and gives the same results. An
    answer that repeats the one in force, of this annotator and batch, gives the event that holds it
    and a message. Items that were never leased need `known_items` to confirm that they exist. Each
    event keeps the prediction with which its batch was leased; without a batch, the newest one made
    for the item.

    Raises NotFoundError POOL_NOT_FOUND, InvalidInputError INVALID_LABEL_COUNT or REQUEST_ID_REUSED
    when the request id belongs to other answers.
    """
    if not 1 <= len(inputs) <= MAX_LABELS:
        raise InvalidInputError(
            f"{len(inputs)} answers in one request; send 1 to {MAX_LABELS}",
            reason="INVALID_LABEL_COUNT",
        )
    request_id = request_id or uuid.uuid4().hex
    digest = _digest(inputs)
    # Not while the catalog is locked: the first looks for near classes, the second may read files.
    refusals = _judge_answers(catalog, pool_id, inputs)
    known = _ask(known_items, inputs)
    with catalog.write() as connection:
        now = now or utcnow()  # waiting for the lock takes time in which leases expire
        pool = sql.lock_pool(connection, pool_id)
        earlier = _earlier(connection, pool_id, request_id, digest)
        if earlier is not None:
            return earlier
        evidence = _gather(connection, pool, inputs, known)
        verdicts = [refusals[label.answer] or judge_item(label, evidence) for label in inputs]
        results = _write(connection, pool_id, verdicts, now)
        connection.execute(
            label_requests.insert().values(
                pool_id=pool_id,
                request_id=request_id,
                digest=digest,
                results=[astuple(result) for result in results],
                create_time=now,
            )
        )
        return results


def _digest(inputs: Sequence[LabelInput]) -> str:
    rows = [
        [label.item_id, *write_answer(label.answer).values(), label.annotator, label.batch]
        for label in inputs
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _judge_answers(
    catalog: Catalog, pool_id: str, inputs: Sequence[LabelInput]
) -> dict[Answer, LabelResult | None]:
    with catalog.read() as connection:  # classes never change
        classes = sql.pool_row(connection, pool_id).classes
    return {answer: judge_answer(answer, classes) for answer in {label.answer for label in inputs}}


def _ask(known_items: KnownItems | None, inputs: Sequence[LabelInput]) -> frozenset[str]:
    ids = sorted({label.item_id for label in inputs if label.batch is None})
    if known_items is None or not ids:
        return frozenset()
    return frozenset(item for item, known in zip(ids, known_items(ids), strict=True) if known)


def _earlier(
    connection: Connection, pool_id: str, request_id: str, digest: str
) -> list[LabelResult] | None:
    columns = label_requests.c
    query = select(columns.digest, columns.results).where(
        columns.pool_id == pool_id, columns.request_id == request_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise InvalidInputError(
            f"request id '{request_id}' already recorded other answers; use a new request id",
            reason="REQUEST_ID_REUSED",
        )
    return [LabelResult(*result) for result in row.results]


def _gather(
    connection: Connection, pool: Row[Any], inputs: Sequence[LabelInput], known: frozenset[str]
) -> Evidence:
    items, ids = batch_items.c, {label.item_id for label in inputs}
    query = (
        select(batch_items, batches.c.prompt_version, batches.c.annotator)
        .join_from(
            batch_items,
            batches,
            and_(batches.c.pool_id == items.pool_id, batches.c.number == items.batch),
        )
        .where(items.pool_id == pool.pool_id, items.item_id.in_(ids))
    )
    leased: dict[str, dict[int, Leased]] = {}
    for row in connection.execute(query):
        leased.setdefault(row.item_id, {})[row.batch] = Leased(
            row.batch, row.prompt_version, row.annotator, prediction_of(row)
        )
    named = {label.batch for label in inputs if label.batch is not None}
    existing = connection.scalars(
        select(batches.c.number).where(
            batches.c.pool_id == pool.pool_id, batches.c.number.in_(named)
        )
    )
    return Evidence(leased, frozenset(existing), known)


def _write(
    connection: Connection,
    pool_id: str,
    verdicts: Sequence[Accepted | LabelResult],
    now: datetime,
) -> list[LabelResult]:
    sequence = sql.next_number(connection, label_events.c.sequence, pool_id)
    items = {v.answer.item_id for v in verdicts if isinstance(v, Accepted)}
    in_force = answers_in_force(connection, pool_id, items)
    results: list[LabelResult] = []
    events: list[dict[str, Any]] = []
    for verdict in verdicts:
        if isinstance(verdict, LabelResult):
            results.append(verdict)
            continue
        label, old = verdict.answer, in_force.get(verdict.answer.item_id)
        if old is not None and old.repeated_by(verdict):
            message = f"recorded before, as event {old.sequence}"
            results.append(LabelResult(old.sequence, message=message))
            continue
        number = sequence + len(events)
        events.append(_event(pool_id, number, verdict, now))
        in_force[label.item_id] = InForce(number, label.answer, verdict.annotator, label.batch)
        results.append(LabelResult(number))
    if events:
        connection.execute(label_events.insert(), events)
        _put_in_force(connection, pool_id, {e["item_id"]: e["sequence"] for e in events})
        touched = _close_leases(connection, pool_id, {e["item_id"] for e in events})
        _finish_batches(connection, pool_id, touched)
    return results


def _event(pool_id: str, sequence: int, verdict: Accepted, now: datetime) -> dict[str, Any]:
    leased = verdict.leased
    names = [field.name for field in fields(Prediction)]
    prediction = {name: getattr(leased.prediction, name) if leased else None for name in names}
    return {
        "pool_id": pool_id,
        "sequence": sequence,
        "item_id": verdict.answer.item_id,
        "annotator": verdict.annotator,
        "batch": verdict.answer.batch,
        "create_time": now,
        "prompt_version": leased.prompt_version if leased else None,
        **write_answer(verdict.answer.answer),
        **prediction,
    }


def _put_in_force(connection: Connection, pool_id: str, newest: dict[str, int]) -> None:
    answers = effective_answers.c
    connection.execute(
        effective_answers.delete().where(answers.pool_id == pool_id, answers.item_id.in_(newest))
    )
    rows = [{"pool_id": pool_id, "item_id": i, "sequence": s} for i, s in newest.items()]
    connection.execute(effective_answers.insert(), rows)


def _close_leases(connection: Connection, pool_id: str, ids: set[str]) -> set[int]:
    """Close the items' leases; returns every batch that holds one of the items."""
    leases, items = item_leases.c, batch_items.c
    connection.execute(
        item_leases.delete().where(leases.pool_id == pool_id, leases.item_id.in_(ids))
    )
    holders = select(items.batch).where(items.pool_id == pool_id, items.item_id.in_(ids))
    return set(connection.scalars(holders))


def _finish_batches(connection: Connection, pool_id: str, numbers: Iterable[int]) -> None:
    """Mark the open ones of these batches as done when every item has an answer."""
    items, answers = batch_items.c, effective_answers.c
    answered = exists().where(answers.pool_id == items.pool_id, answers.item_id == items.item_id)
    waiting = exists().where(
        items.pool_id == batches.c.pool_id, items.batch == batches.c.number, ~answered
    )
    connection.execute(
        batches.update()
        .where(
            batches.c.pool_id == pool_id,
            batches.c.number.in_(numbers),
            batches.c.state == BatchState.OPEN,
            ~waiting,
        )
        .values(state=BatchState.DONE)
    )
