"""Label events, written: one transaction a request, with the result of every answer.

A late answer, to a lease that has expired or a batch that was released, is accepted: a label is a
label. If the item is leased to somebody else meanwhile, that lease is closed.

An answer that repeats the annotator's own in force makes no event, so that a file of answers can be
sent again. What is in force decides, not what was ever said: after A and B, A is a correction.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, exists, select, text

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import Answer, LabelInput, LabelResult, class_names
from poolscore.store import sql
from poolscore.store.answer_columns import write_answer
from poolscore.store.audit import Action, write_event
from poolscore.store.batches import prediction_of
from poolscore.store.budget import Purse, spend
from poolscore.store.catalog import Catalog
from poolscore.store.in_force import InForce, standing_answers
from poolscore.store.label_requests import earlier_results, keep_results
from poolscore.store.label_rules import (
    Accepted,
    Evidence,
    Leased,
    judge_answer,
    judge_item,
    refused,
)
from poolscore.store.records import BatchState, Prediction
from poolscore.store.tables import (
    batch_items,
    batches,
    effective_answers,
    item_leases,
    label_events,
)

MAX_LABELS = 1000
KnownItems = Callable[[Sequence[str]], Sequence[bool]]
"""Which of these item ids the pool holds."""
Refusals = dict[Answer, LabelResult | None]

_POOL, _ITEMS = bindparam("pool"), bindparam("items", expanding=True)
_LEASED = (
    select(batch_items, batches.c.prompt_version, batches.c.annotator)
    .join_from(
        batch_items,
        batches,
        and_(batches.c.pool_id == batch_items.c.pool_id, batches.c.number == batch_items.c.batch),
    )
    .where(batch_items.c.pool_id == _POOL, batch_items.c.item_id.in_(_ITEMS))
)
_BATCHES = select(batches.c.number).where(
    batches.c.pool_id == _POOL, batches.c.number.in_(bindparam("numbers", expanding=True))
)
_PUT_IN_FORCE = text(
    "INSERT INTO effective_answers (pool_id, item_id, sequence) "
    "VALUES (:pool_id, :item_id, :sequence) "
    "ON CONFLICT (pool_id, item_id) DO UPDATE SET sequence = excluded.sequence"
)
_CLOSE = item_leases.delete().where(
    item_leases.c.pool_id == _POOL, item_leases.c.item_id.in_(_ITEMS)
)
_ANSWERED = exists().where(
    effective_answers.c.pool_id == batch_items.c.pool_id,
    effective_answers.c.item_id == batch_items.c.item_id,
)
_WAITING = exists().where(
    batch_items.c.pool_id == batches.c.pool_id, batch_items.c.batch == batches.c.number, ~_ANSWERED
)
_FINISH = (
    batches.update()
    .where(
        batches.c.pool_id == _POOL,
        batches.c.number.in_(bindparam("numbers", expanding=True)),
        batches.c.state == BatchState.OPEN,
        ~_WAITING,
    )
    .values(state=BatchState.DONE)
    .returning(batches.c.number)
)


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

    A refused answer (UNKNOWN_CLASS, INVALID_CANDIDATES, INVALID_TEXT, UNKNOWN_ITEM,
    BATCH_NOT_FOUND, WRONG_BATCH, BUDGET_SPENT) never loses the others. The same request id is
    applied once and gives the same results. An answer that repeats this annotator's own in
    force, of this batch, gives the event that holds it and a message. Items that were never leased
    need `known_items` to confirm that they exist, and room in the budget (`budget`). Each event
    keeps the prediction with which its batch was leased; without a batch, the newest one made for
    the item.

    Raises NotFoundError POOL_NOT_FOUND, InvalidInputError INVALID_LABEL_COUNT or REQUEST_ID_REUSED
    when the request id belongs to other answers.
    """
    if not 1 <= len(inputs) <= MAX_LABELS:
        raise InvalidInputError(
            f"{len(inputs)} answers in one request; send 1 to {MAX_LABELS}",
            reason="INVALID_LABEL_COUNT",
        )
    request_id = request_id or uuid.uuid4().hex
    names = {name for label in inputs for name in class_names(label.answer)}
    request = _Request(request_id, _digest(inputs), inputs, _ask(known_items, inputs))
    refusals: Refusals = {}
    judged_by: Sequence[str] | None = None
    while True:
        with catalog.write() as connection:
            pool = sql.lock_pool(connection, pool_id)
            if judged_by != pool.classes and names.issubset(pool.classes):
                refusals, judged_by = _judge_answers(inputs, pool.classes), pool.classes
            if judged_by == pool.classes:
                # Not before the lock: waiting for it takes time in which leases expire.
                now = now or sql.clock(connection)
                return _record(connection, pool, request, refusals, now)
        # Looking for the class that an unknown name may mean takes long: not with the pool held.
        refusals, judged_by = _judge_answers(inputs, pool.classes), pool.classes


@dataclass(frozen=True)
class _Request:
    id: str
    digest: str
    inputs: Sequence[LabelInput]
    known: frozenset[str]
    """Items that the caller has confirmed."""


def _record(
    connection: Connection, pool: Row[Any], request: _Request, refusals: Refusals, now: datetime
) -> list[LabelResult]:
    pool_id = pool.pool_id
    earlier = earlier_results(connection, pool_id, request.id, request.digest)
    if earlier is not None:
        return earlier
    evidence = _gather(connection, pool, request.inputs, request.known)
    verdicts = [refusals[label.answer] or judge_item(label, evidence) for label in request.inputs]
    results, facts = _write(connection, pool, verdicts, evidence, now)
    keep_results(connection, pool_id, request.id, request.digest, results, now)
    write_event(
        connection,
        pool_id,
        Action.RECORD_LABELS,
        f"pools/{pool_id}",
        facts | {"label_requests": [{"request_id": request.id}]},
        now=now,
        request_id=request.id,
    )
    return results


def _digest(inputs: Sequence[LabelInput]) -> str:
    rows = [
        [label.item_id, *write_answer(label.answer).values(), label.annotator, label.batch]
        for label in inputs
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _judge_answers(inputs: Sequence[LabelInput], classes: Sequence[str]) -> Refusals:
    return {answer: judge_answer(answer, classes) for answer in {label.answer for label in inputs}}


def _ask(known_items: KnownItems | None, inputs: Sequence[LabelInput]) -> frozenset[str]:
    ids = sorted({label.item_id for label in inputs if label.batch is None})
    if known_items is None or not ids:
        return frozenset()
    return frozenset(item for item, known in zip(ids, known_items(ids), strict=True) if known)


def _gather(
    connection: Connection, pool: Row[Any], inputs: Sequence[LabelInput], known: frozenset[str]
) -> Evidence:
    # One bad id must not lose the others, and a database would refuse to look for it.
    ids = {label.item_id for label in inputs if "\0" not in label.item_id}
    leased: dict[str, dict[int, Leased]] = {}
    for row in connection.execute(_LEASED, {"pool": pool.pool_id, "items": list(ids)}):
        leased.setdefault(row.item_id, {})[row.batch] = Leased(
            row.batch, row.prompt_version, row.annotator, prediction_of(row)
        )
    batches_named = {label.batch for label in inputs if label.batch is not None}
    existing = {number for leasings in leased.values() for number in leasings} & batches_named
    if missing := list(batches_named - existing):
        existing.update(connection.scalars(_BATCHES, {"pool": pool.pool_id, "numbers": missing}))
    return Evidence(leased, frozenset(existing), known)


def _write(
    connection: Connection,
    pool: Row[Any],
    verdicts: Sequence[Accepted | LabelResult],
    evidence: Evidence,
    now: datetime,
) -> tuple[list[LabelResult], dict[str, list[dict[str, Any]]]]:
    """Results of the answers, and what the audit trail says of what has changed."""
    pool_id = pool.pool_id
    sequence = sql.next_number(connection, label_events.c.sequence, pool_id)
    items = {v.answer.item_id for v in verdicts if isinstance(v, Accepted)}
    standing = standing_answers(connection, pool_id, items)
    purse = Purse(connection, pool, items, now)
    results: list[LabelResult] = []
    events: list[dict[str, Any]] = []
    for verdict in verdicts:
        if isinstance(verdict, LabelResult):
            results.append(verdict)
            continue
        label = verdict.answer
        key = label.item_id, verdict.annotator
        old = standing.get(key)
        if old is not None and old.repeated_by(verdict):
            message = f"recorded before, as event {old.sequence}"
            results.append(LabelResult(old.sequence, message=message))
            continue
        if key not in standing and not purse.pay(label.item_id, was_leased=bool(verdict.leased)):
            results.append(_too_much(pool))
            continue
        number = sequence + len(events)
        events.append(_event(pool_id, number, verdict, now))
        new = InForce(number, label.answer, verdict.annotator, label.batch)
        standing[key] = new
        results.append(LabelResult(number))
    if not events:
        return results, {}
    connection.execute(label_events.insert(), events)
    _put_in_force(connection, pool_id, {e["item_id"]: e["sequence"] for e in events})
    answered = {e["item_id"] for e in events}
    connection.execute(_CLOSE, {"pool": pool_id, "items": list(answered)})
    touched = {batch for item in answered for batch in evidence.leased.get(item, ())}
    done = _finish_batches(connection, pool_id, touched)
    spent = spend(connection, pool, purse.spent)
    return results, {
        "label_events": [{"sequence": [sequence, sequence + len(events) - 1]}],
        "batches": [{"number": number, "state": BatchState.DONE} for number in done],
        "pools": [{"spent": spent}],
    }


def _too_much(pool: Row[Any]) -> LabelResult:
    return refused(
        "BUDGET_SPENT",
        f"the budget of {pool.budget:,} labels is spent or reserved by leases, and the item was "
        "never leased",
    )


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
    rows = [{"pool_id": pool_id, "item_id": i, "sequence": s} for i, s in newest.items()]
    connection.execute(_PUT_IN_FORCE, rows)


def _finish_batches(connection: Connection, pool_id: str, numbers: Iterable[int]) -> list[int]:
    """Mark the open ones of these batches as done when every item has an answer; returns those."""
    done = connection.scalars(_FINISH, {"pool": pool_id, "numbers": list(numbers)})
    return sorted(done)
