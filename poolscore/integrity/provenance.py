"""What the rows of a pool say of each other: snapshots, versions, rankings, what is active."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, exists, func, select

from poolscore.integrity.finding import Finding, Rule
from poolscore.store.audit import Action
from poolscore.store.tables import (
    audit_events,
    batches,
    label_events,
    promotions,
    prompt_versions,
    rankings,
    runs,
    snapshots,
)

RESTORE = "restore the catalog from a backup of before"

_NUMBERED: tuple[tuple[Table, str, int], ...] = (
    (runs, "runs", 1),
    (snapshots, "snapshots", 1),
    (prompt_versions, "promptVersions", 0),
    (rankings, "rankings", 1),
    (batches, "batches", 1),
    (label_events, "labelEvents", 1),
)


def check_provenance(connection: Connection, pool: Row[Any]) -> Iterator[Finding]:
    """What does not fit together in a pool, by the catalog alone."""
    yield from _missing_numbers(connection, pool.pool_id)
    yield from _active(connection, pool)
    yield from _rankings(connection, pool)
    yield from _versions(connection, pool.pool_id)
    yield from _promotions(connection, pool.pool_id)


def _missing_numbers(connection: Connection, pool_id: str) -> Iterator[Finding]:
    for table, name, first in _NUMBERED:
        column: Column[int] = table.c["sequence" if table is label_events else "number"]
        ends = select(func.count(), func.min(column), func.max(column))
        count, low, high = connection.execute(ends.where(table.c.pool_id == pool_id)).one()
        if count and (low, high) != (first, first + count - 1):
            rule = Rule.LABELS if table is label_events else Rule.PROVENANCE
            what = f"{count:,} rows are numbered from {low} to {high}: some are missing"
            yield Finding(rule, f"pools/{pool_id}/{name}", what, RESTORE)


def _active(connection: Connection, pool: Row[Any]) -> Iterator[Finding]:
    where = f"pools/{pool.pool_id}"
    advice = "activate a prompt version again: 'poolscore prompts activate'"
    active = pool.active_snapshot, pool.active_prompt_version, pool.active_ranking
    if active == (None, None, None):
        return
    tables = (snapshots, prompt_versions, rankings)
    for table, what, number in zip(
        tables, ("snapshot", "prompt version", "ranking"), active, strict=True
    ):
        here = (table.c.pool_id == pool.pool_id) & (table.c.number == number)
        if number is None or connection.execute(select(table.c.number).where(here)).first() is None:
            said = f"its active {what} is {number}: there is none"
            yield Finding(Rule.ACTIVE, where, said, advice)
            return
    here = (rankings.c.pool_id == pool.pool_id) & (rankings.c.number == pool.active_ranking)
    made = connection.execute(
        select(rankings.c.snapshot, rankings.c.prompt_version).where(here)
    ).one()
    if tuple(made) != active[:2]:
        what = (
            f"its active ranking {pool.active_ranking} is of snapshot {made.snapshot} and prompt "
            f"version {made.prompt_version}, active are {active[0]} and {active[1]}"
        )
        yield Finding(Rule.ACTIVE, where, what, advice)


def _rankings(connection: Connection, pool: Row[Any]) -> Iterator[Finding]:
    digests = dict(
        connection.execute(
            select(snapshots.c.number, snapshots.c.encoder_digest).where(
                snapshots.c.pool_id == pool.pool_id
            )
        )
        .tuples()
        .all()
    )
    versions = set(
        connection.scalars(
            select(prompt_versions.c.number).where(prompt_versions.c.pool_id == pool.pool_id)
        )
    )
    again = "embed the pool again"
    for number, digest in digests.items():
        if digest != pool.encoder_digest:
            where = f"pools/{pool.pool_id}/snapshots/{number}"
            yield Finding(Rule.EMBEDDING, where, "it is of another encoder than the pool", again)
    for row in connection.execute(select(rankings).where(rankings.c.pool_id == pool.pool_id)):
        where = f"pools/{pool.pool_id}/rankings/{row.number}"
        if row.snapshot not in digests:
            yield Finding(Rule.PROVENANCE, where, f"there is no snapshot {row.snapshot}", RESTORE)
        elif row.encoder_digest != digests[row.snapshot]:
            yield Finding(
                Rule.EMBEDDING, where, "it is of another encoder than its snapshot", RESTORE
            )
        if row.prompt_version not in versions:
            what = f"there is no prompt version {row.prompt_version}"
            yield Finding(Rule.PROVENANCE, where, what, RESTORE)


def _versions(connection: Connection, pool_id: str) -> Iterator[Finding]:
    newest = (
        connection.scalar(
            select(func.max(label_events.c.sequence)).where(label_events.c.pool_id == pool_id)
        )
        or 0
    )
    query = select(prompt_versions).where(prompt_versions.c.pool_id == pool_id)
    for row in connection.execute(query.order_by(prompt_versions.c.number)):
        where = f"pools/{pool_id}/promptVersions/{row.number}"
        if row.parent is not None and not 0 <= row.parent < row.number:
            what = f"it was made from version {row.parent}, which is not before it"
            yield Finding(Rule.PROVENANCE, where, what, RESTORE)
        if row.label_watermark > newest:
            what = f"it learned from label event {row.label_watermark}; the newest one is {newest}"
            yield Finding(Rule.LABELS, where, what, RESTORE)


def _promotions(connection: Connection, pool_id: str) -> Iterator[Finding]:
    """Trained versions that came since the trail began and were activated without a comparison."""
    named = {
        action: connection.execute(
            select(audit_events.c.facts).where(
                audit_events.c.pool_id == pool_id, audit_events.c.action == action
            )
        ).scalars()
        for action in (Action.ADD_PROMPT_VERSION, Action.ACTIVATE)
    }
    added = {f["prompt_versions"][0]["number"] for f in named[Action.ADD_PROMPT_VERSION]}
    activated = {f["pools"][0]["active_prompt_version"] for f in named[Action.ACTIVATE]}
    judged = exists().where(
        promotions.c.pool_id == prompt_versions.c.pool_id,
        promotions.c.prompt_version == prompt_versions.c.number,
    )
    query = select(prompt_versions.c.number).where(
        prompt_versions.c.pool_id == pool_id,
        prompt_versions.c.parent.is_not(None),
        prompt_versions.c.label_count > 0,
        ~judged,
    )
    for number in connection.scalars(query.order_by(prompt_versions.c.number)):
        if number in added & activated:
            yield Finding(
                Rule.PROMOTION,
                f"pools/{pool_id}/promptVersions/{number}",
                "it was activated, and never compared with the version before on held-out labels",
                "look at its metrics, and activate an earlier version if they are worse",
            )
