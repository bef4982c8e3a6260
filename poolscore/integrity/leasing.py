"""Leases of a pool beside its batches and the answers in force."""

from collections.abc import Iterator

from sqlalchemy import Connection, and_, exists, select

from poolscore.integrity.finding import Finding, Rule
from poolscore.integrity.provenance import RESTORE
from poolscore.store.records import BatchState
from poolscore.store.tables import batch_items, batches, effective_answers, item_leases, rankings

_RELEASE = "release the batch, or restore the catalog from a backup of before"


def check_leases(connection: Connection, pool_id: str) -> Iterator[Finding]:
    """Leases that their batch does not have, or of items that are answered, and odd batches."""
    yield from _leases(connection, pool_id)
    yield from _answered(connection, pool_id)
    yield from _finished(connection, pool_id)
    yield from _made_from(connection, pool_id)


def _leases(connection: Connection, pool_id: str) -> Iterator[Finding]:
    lease, batch, items = item_leases.c, batches.c, batch_items.c
    listed = exists().where(
        items.pool_id == lease.pool_id, items.batch == lease.batch, items.item_id == lease.item_id
    )
    query = (
        select(lease.item_id, lease.batch, lease.expire_time, listed.label("listed"))
        .add_columns(batch.state, batch.expire_time.label("until"))
        .outerjoin_from(
            item_leases,
            batches,
            and_(batch.pool_id == lease.pool_id, batch.number == lease.batch),
        )
        .where(lease.pool_id == pool_id)
        .order_by(lease.batch, lease.item_id)
    )
    for row in connection.execute(query):
        what = ""
        if not row.listed:
            what = "which does not have it"
        elif row.state != BatchState.OPEN:
            what = f"which is {row.state}"
        elif row.expire_time != row.until:
            what = f"until {row.expire_time:%Y-%m-%d %H:%M:%S}, which ends at another time"
        if what:
            where = f"pools/{pool_id}/batches/{row.batch}"
            held = f"item '{row.item_id}' is leased by this batch, {what}"
            yield Finding(Rule.LEASES, where, held, _RELEASE)


def _answered(connection: Connection, pool_id: str) -> Iterator[Finding]:
    lease, answer = item_leases.c, effective_answers.c
    query = (
        select(lease.item_id, lease.batch, answer.sequence)
        .join_from(
            item_leases,
            effective_answers,
            and_(answer.pool_id == lease.pool_id, answer.item_id == lease.item_id),
        )
        .where(lease.pool_id == pool_id)
        .order_by(lease.batch, lease.item_id)
    )
    for row in connection.execute(query):
        where = f"pools/{pool_id}/batches/{row.batch}"
        what = f"item '{row.item_id}' is leased and has an answer in force, event {row.sequence}"
        yield Finding(Rule.LEASES, where, what, _RELEASE)


def _finished(connection: Connection, pool_id: str) -> Iterator[Finding]:
    items, answer, batch = batch_items.c, effective_answers.c, batches.c
    answered = exists().where(answer.pool_id == items.pool_id, answer.item_id == items.item_id)
    waiting = exists().where(items.pool_id == batch.pool_id, items.batch == batch.number, ~answered)
    query = select(batch.number).where(
        batch.pool_id == pool_id, batch.state == BatchState.OPEN, ~waiting
    )
    for number in connection.scalars(query.order_by(batch.number)):
        where = f"pools/{pool_id}/batches/{number}"
        what = "it is open, and all its items are answered"
        yield Finding(Rule.LEASES, where, what, _RELEASE)


def _made_from(connection: Connection, pool_id: str) -> Iterator[Finding]:
    batch, ranking = batches.c, rankings.c
    made = exists().where(
        ranking.pool_id == batch.pool_id,
        ranking.number == batch.ranking,
        ranking.prompt_version == batch.prompt_version,
    )
    query = select(batch.number, batch.ranking).where(batch.pool_id == pool_id, ~made)
    for row in connection.execute(query.order_by(batch.number)):
        where = f"pools/{pool_id}/batches/{row.number}"
        what = f"there is no ranking {row.ranking} of its prompt version"
        yield Finding(Rule.PROVENANCE, where, what, RESTORE)
