"""The state of the pool, read from the catalog's tables and from the model, to be compared."""

from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any

from sqlalchemy import Connection, Row, select

from poolscore.store import sql
from poolscore.store.answer_columns import RETRACT, read_answer
from poolscore.store.catalog import Catalog
from poolscore.store.tables import (
    batch_items,
    batches,
    effective_answers,
    item_leases,
    label_events,
    label_requests,
    prompt_versions,
    rankings,
    runs,
)
from tests.integration.services.model.pool_model import PoolModel

View = dict[str, Any]


def view_of(model: PoolModel) -> View:
    """What the tables must hold."""
    numbers = range(1, len(model.batches) + 1)
    return {
        "budget": (model.budget, len(model.standing())),
        "active": (model.version, model.active),
        "batches": [
            (
                each.request_id,
                each.annotator,
                each.items,
                model.state(number),
                # Else two at once that move a deadline could have come in either order.
                max(each.expires - model.now, 0),
                each.ranking,
            )
            for number, each in zip(numbers, model.batches, strict=True)
        ],
        "leases": model.open_leases(),
        "events": [tuple(event) for event in model.events],
        "effective": model.effective(),
        "requests": set(model.label_requests),
        "versions": model.versions,
        "rankings": model.rankings,
        "runs": [(run.request, run.state, run.version) for run in model.runs],
    }


def view_in(catalog: Catalog, pool_id: str) -> View:
    """What they hold; whatever a dead process left has come to its end."""
    with catalog.write() as connection:
        pool = sql.lock_pool(connection, pool_id)
        now = sql.clock(connection)
        rows = partial(_rows, connection, pool_id)
        items = _items(connection, pool_id)
        return {
            "budget": (pool.budget, pool.spent),
            "active": (pool.active_prompt_version, pool.active_ranking),
            "batches": [
                (
                    row.request_id,
                    row.annotator,
                    tuple(items.get(row.number, ())),
                    "EXPIRED" if row.state == "OPEN" and row.expire_time <= now else row.state,
                    max(ceil((row.expire_time - now) / timedelta(minutes=1)), 0),
                    row.ranking,
                )
                for row in rows(batches, batches.c.number)
            ],
            "leases": {
                row.item_id: row.batch
                for row in rows(item_leases, item_leases.c.item_id)
                if row.expire_time > now
            },
            "events": [
                (
                    row.item_id,
                    None if row.kind == RETRACT else read_answer(row),
                    row.annotator,
                    row.batch,
                    row.retracts,
                )
                for row in rows(label_events, label_events.c.sequence)
            ],
            "effective": {
                row.item_id: row.sequence
                for row in _rows(
                    connection, pool_id, effective_answers, effective_answers.c.item_id
                )
            },
            "requests": {
                row.request_id for row in rows(label_requests, label_requests.c.request_id)
            },
            "versions": [
                (row.label_watermark, row.parent)
                for row in rows(prompt_versions, prompt_versions.c.number)
            ],
            "rankings": [row.prompt_version for row in rows(rankings, rankings.c.number)],
            "runs": [
                (row.request_id, row.state, row.prompt_version)
                for row in rows(runs, runs.c.number)
                if row.kind == "TRAIN"
            ],
        }


def check(view: View) -> None:
    """What must be true of every state, whatever the model says."""
    assert not view["leases"].keys() & view["effective"].keys(), "leased after an answer"
    newest = {(item, annotator): answer for item, answer, annotator, *_ in view["events"]}
    standing = [who for who, answer in newest.items() if answer is not None]
    assert view["budget"][1] == len(standing), "the ledger is not what the answers cost"
    assert view["effective"].keys() == {item for item, _ in standing}, "an answer is lost"
    requests = [request for request, *_ in view["batches"]]
    assert len(requests) == len(set(requests)), "a lease is doubled"
    version, ranking = view["active"]
    assert view["rankings"][ranking - 1] == version, "the switch is half done"
    made = [version for _, _, version in view["runs"] if version is not None]
    assert sorted(made) == list(range(1, len(view["versions"]))), "a run has two versions"
    assert [state for _, state, _ in view["runs"]].count("RUNNING") <= 1


def pass_time(catalog: Catalog, pool_id: str, minutes: int) -> None:
    """Let every lease end so much earlier."""
    gone = timedelta(minutes=minutes)
    with catalog.write() as connection:
        sql.lock_pool(connection, pool_id)
        rows = partial(_rows, connection, pool_id)
        for row in rows(batches, batches.c.number):
            connection.execute(
                batches.update()
                .where(batches.c.pool_id == pool_id, batches.c.number == row.number)
                .values(expire_time=row.expire_time - gone)
            )
        for row in rows(item_leases, item_leases.c.item_id):
            connection.execute(
                item_leases.update()
                .where(item_leases.c.pool_id == pool_id, item_leases.c.item_id == row.item_id)
                .values(expire_time=row.expire_time - gone)
            )


def _rows(connection: Connection, pool_id: str, table: Any, order: Any) -> list[Row[Any]]:
    query = select(table).where(table.c.pool_id == pool_id).order_by(order)
    return list(connection.execute(query))


def _items(connection: Connection, pool_id: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in _rows(connection, pool_id, batch_items, batch_items.c.rank):
        found.setdefault(row.batch, []).append(row.item_id)
    return found
