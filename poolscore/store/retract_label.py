"""Takes an answer back: an event of its own, as the log is append-only.

The effective answer of the item becomes the newest one that is left, of another annotator. Without
one the item is free, to be leased again; a batch that was done stays so.
"""

import hashlib
import json
import uuid
from datetime import datetime

from sqlalchemy import Connection

from poolscore.errors import NotFoundError
from poolscore.labels.answer import LabelResult
from poolscore.store import sql
from poolscore.store.answer_columns import RETRACT
from poolscore.store.audit import Action, write_event
from poolscore.store.batches import count_freed
from poolscore.store.budget import spend
from poolscore.store.catalog import Catalog
from poolscore.store.in_force import Standing, effective, standing_answers
from poolscore.store.label_events import read_event
from poolscore.store.label_requests import earlier_results, keep_results
from poolscore.store.records import LabelEvent
from poolscore.store.tables import effective_answers, label_events


def retract_label(
    catalog: Catalog,
    pool_id: str,
    item_id: str,
    annotator: str,
    request_id: str | None = None,
    now: datetime | None = None,
) -> LabelEvent:
    """Take back what an annotator says of an item; returns the event that says so.

    The same request id is applied once and gives the same event. Raises NotFoundError
    POOL_NOT_FOUND, NO_ANSWER when the annotator has no answer in force; InvalidInputError
    REQUEST_ID_REUSED.
    """
    request_id = request_id or uuid.uuid4().hex
    content = json.dumps([RETRACT, item_id, annotator])
    digest = hashlib.sha256(content.encode()).hexdigest()
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        now = now or sql.clock(connection)  # waiting for the lock takes time in which others answer
        earlier = earlier_results(connection, pool_id, request_id, digest)
        if earlier is not None:
            assert earlier[0].event is not None  # refused requests leave no trace
            return read_event(connection, pool_id, earlier[0].event)
        standing = standing_answers(connection, pool_id, [item_id])
        taken_back = standing.pop((item_id, annotator), None)
        if taken_back is None:
            raise NotFoundError(
                f"'{annotator}' has no answer to item '{item_id}' of pool '{pool_id}' that could "
                "be taken back",
                reason="NO_ANSWER",
            )
        sequence = sql.next_number(connection, label_events.c.sequence, pool_id)
        connection.execute(
            label_events.insert().values(
                pool_id=pool_id,
                sequence=sequence,
                item_id=item_id,
                kind=RETRACT,
                labels=[],
                abstain_reason="",
                annotator=annotator,
                batch=taken_back.batch,
                create_time=now,
                retracts=taken_back.sequence,
            )
        )
        pool_facts = {"spent": spend(connection, pool, -1)}
        if not _put_left_in_force(connection, pool_id, item_id, standing):
            pool_facts["freed"] = count_freed(connection, pool)
        keep_results(connection, pool_id, request_id, digest, [LabelResult(sequence)], now)
        event = read_event(connection, pool_id, sequence)
        write_event(
            connection,
            pool_id,
            Action.RETRACT_LABEL,
            event.name,
            {
                "label_events": [{"sequence": sequence}],
                "label_requests": [{"request_id": request_id}],
                "pools": [pool_facts],
            },
            now=now,
            request_id=request_id,
        )
        return event


def _put_left_in_force(
    connection: Connection, pool_id: str, item_id: str, standing: Standing
) -> bool:
    """Let the newest answer that is left count; False when there is none."""
    left, answers = effective(standing).get(item_id), effective_answers.c
    mine = (answers.pool_id == pool_id) & (answers.item_id == item_id)
    if left is None:
        connection.execute(effective_answers.delete().where(mine))
        return False
    connection.execute(effective_answers.update().where(mine).values(sequence=left.sequence))
    return True
