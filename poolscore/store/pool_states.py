"""What can be measured of every pool, read in one transaction, cheap enough to be asked often."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, case, func, select

from poolscore.store import sql
from poolscore.store.answered_predictions import AnsweredPredictions
from poolscore.store.catalog import Catalog
from poolscore.store.label_tally import LabelTally
from poolscore.store.records import BatchState, RunKind, RunState
from poolscore.store.running import Running, read_running
from poolscore.store.tables import (
    batches,
    item_leases,
    label_events,
    pools,
    promotions,
    prompt_versions,
    rankings,
    runs,
    snapshots,
)


class TrainingOutcome(StrEnum):
    """How a training ended."""

    PROMOTED = "promoted"
    """Its prompt version became active."""
    REFUSED = "refused"
    """Held-out labels were against it."""
    FAILED = "failed"


class SnapshotCounts(NamedTuple):
    """Images of a snapshot, and where its manifest tells more."""

    embedded: int
    rejected: int
    manifest_uri: str
    manifest_sha256: str


class LastTraining(NamedTuple):
    """The training run that ended last, other than by being cancelled."""

    outcome: TrainingOutcome
    end_time: datetime


class Leases(NamedTuple):
    """Images by the state of their lease."""

    open: int = 0
    expired: int = 0
    """Past their deadline; the next lease takes them back."""


@dataclass(frozen=True)
class PoolState:
    """One pool that is not deleted."""

    pool_id: str
    classes: int
    budget: int
    """Labels; 0: no limit."""
    spent: int
    snapshot: SnapshotCounts | None
    """The active one."""
    prompt_version: int | None
    prompt_metrics: Mapping[str, float]
    """Of the active version (`poolscore.prompts.version_metrics`)."""
    answered: AnsweredPredictions
    """What labels say of its predictions."""
    ranking_time: datetime | None
    """When the active ranking was made."""
    label_events: int
    new_label_events: int
    """Recorded after what the active prompt version has learned from."""
    newest_label_time: datetime | None
    labels: Mapping[str, int]
    """Answers in force by kind, as in the table of events."""
    class_coverage: float
    """Share of the classes that at least one label in force names."""
    leases: Leases
    batches: Mapping[BatchState, int]
    runs: Mapping[tuple[RunKind, RunState], int]
    running: Mapping[RunKind, Running]
    """Of the kinds that have a running run."""
    last_training: LastTraining | None


class PoolStates:
    """Reads the state of all pools, and remembers what it has read of their labels."""

    def __init__(self, catalog: Catalog) -> None:
        """Read nothing yet."""
        self._catalog = catalog
        self._logs: dict[tuple[str, datetime], _LabelLog] = {}

    def read(self, now: datetime | None = None) -> list[PoolState]:
        """All pools by name, of one moment. Not for several threads at once.

        The first time counts every answer in force; later ones read the new events. Raises
        UnavailableError CATALOG_UNREACHABLE or CATALOG_BUSY.
        """
        # What a failure leaves half read is read again.
        before, self._logs = self._logs, {}
        with self._catalog.read() as connection:
            now = now or sql.clock(connection)
            found = connection.execute(_POOLS).all()
            counts = _Counts(
                _leases(connection, now),
                _batches(connection, now),
                _runs(connection),
                read_running(connection),
                _trainings(connection),
            )
            logs = {(row.pool_id, row.create_time): _LabelLog() for row in found}
            logs |= {key: old for key, old in before.items() if key in logs}
            for row in found:
                logs[row.pool_id, row.create_time].advance(connection, row)
        self._logs = logs
        return [_state(row, logs[row.pool_id, row.create_time], counts) for row in found]


class _LabelLog:
    """What was read of the label events of one pool."""

    def __init__(self) -> None:
        self.tally = LabelTally()
        self.answered = AnsweredPredictions()

    def advance(self, connection: Connection, row: Row[*tuple[Any, ...]]) -> None:
        newest = row.newest or 0
        self.tally.advance(connection, row.pool_id, newest)
        self.answered.advance(
            connection,
            row.pool_id,
            row.active_prompt_version,
            row.predicted_classes or (),
            row.label_watermark or 0,
            newest,
        )


class _Counts(NamedTuple):
    """By pool; those that have none are absent."""

    leases: Mapping[str, Leases]
    batches: Mapping[str, Mapping[BatchState, int]]
    runs: Mapping[str, Mapping[tuple[RunKind, RunState], int]]
    running: Mapping[str, Mapping[RunKind, Running]]
    trainings: Mapping[str, LastTraining]


# One look into an index for each pool; a maximum by group would read the whole log.
_LAST = (
    select(label_events.c.sequence)
    .where(label_events.c.pool_id == pools.c.pool_id)
    .order_by(label_events.c.sequence.desc())
    .limit(1)
)
_POOLS = (
    select(
        pools.c.pool_id,
        pools.c.create_time,
        pools.c.classes,
        pools.c.budget,
        pools.c.spent,
        pools.c.active_prompt_version,
        snapshots.c.embedded,
        snapshots.c.rejected,
        snapshots.c.manifest_uri,
        snapshots.c.manifest_sha256,
        prompt_versions.c.label_watermark,
        prompt_versions.c.metrics,
        prompt_versions.c.classes.label("predicted_classes"),
        rankings.c.create_time.label("ranking_time"),
        _LAST.scalar_subquery().label("newest"),
        _LAST.with_only_columns(label_events.c.create_time).scalar_subquery().label("newest_time"),
    )
    .outerjoin(
        snapshots,
        and_(snapshots.c.pool_id == pools.c.pool_id, snapshots.c.number == pools.c.active_snapshot),
    )
    .outerjoin(
        prompt_versions,
        and_(
            prompt_versions.c.pool_id == pools.c.pool_id,
            prompt_versions.c.number == pools.c.active_prompt_version,
        ),
    )
    .outerjoin(
        rankings,
        and_(rankings.c.pool_id == pools.c.pool_id, rankings.c.number == pools.c.active_ranking),
    )
    .where(pools.c.delete_time.is_(None))
    .order_by(pools.c.pool_id)
)


def _leases(connection: Connection, now: datetime) -> dict[str, Leases]:
    leases = item_leases.c
    is_open = case((leases.expire_time > now, 1), else_=0)
    query = select(leases.pool_id, func.sum(is_open), func.count()).group_by(leases.pool_id)
    return {pool: Leases(held, total - held) for pool, held, total in connection.execute(query)}


def _batches(connection: Connection, now: datetime) -> dict[str, Counter[BatchState]]:
    columns = batches.c.pool_id, batches.c.state
    # Expiry is a fact of the clock and never written.
    is_late = case((batches.c.expire_time <= now, 1), else_=0)
    query = select(*columns, func.sum(is_late), func.count()).group_by(*columns)
    found: dict[str, Counter[BatchState]] = {}
    for pool_id, state, late, count in connection.execute(query):
        expired = late if state == BatchState.OPEN else 0
        states = {BatchState.EXPIRED: expired, BatchState(state): count - expired}
        found.setdefault(pool_id, Counter()).update(states)
    return found


def _runs(connection: Connection) -> dict[str, Counter[tuple[RunKind, RunState]]]:
    columns = runs.c.pool_id, runs.c.kind, runs.c.state
    found: dict[str, Counter[tuple[RunKind, RunState]]] = {}
    for row in connection.execute(select(*columns, func.count()).group_by(*columns)):
        pool_id, kind, state, count = row
        found.setdefault(pool_id, Counter())[RunKind(kind), RunState(state)] = count
    return found


def _trainings(connection: Connection) -> dict[str, LastTraining]:
    last = (
        select(runs.c.pool_id, func.max(runs.c.number).label("number"))
        .where(
            runs.c.kind == RunKind.TRAIN, runs.c.state.in_([RunState.SUCCEEDED, RunState.FAILED])
        )
        .group_by(runs.c.pool_id)
        .subquery()
    )
    query = (
        select(runs.c.pool_id, runs.c.state, runs.c.end_time, promotions.c.promoted)
        .join(last, and_(last.c.pool_id == runs.c.pool_id, last.c.number == runs.c.number))
        .outerjoin(
            promotions,
            and_(
                promotions.c.pool_id == runs.c.pool_id,
                promotions.c.prompt_version == runs.c.prompt_version,
            ),
        )
    )
    return {
        row.pool_id: LastTraining(_outcome(row), row.end_time) for row in connection.execute(query)
    }


def _outcome(row: Row[*tuple[Any, ...]]) -> TrainingOutcome:
    if row.state == RunState.FAILED:
        return TrainingOutcome.FAILED
    # Without held-out labels there is nothing to compare, and the version is promoted.
    return TrainingOutcome.REFUSED if row.promoted is False else TrainingOutcome.PROMOTED


def _state(row: Row[*tuple[Any, ...]], log: _LabelLog, counts: _Counts) -> PoolState:
    pool_id, newest = row.pool_id, row.newest or 0
    labeled = sum(log.tally.classes[name] > 0 for name in row.classes)
    return PoolState(
        pool_id=pool_id,
        classes=len(row.classes),
        budget=row.budget,
        spent=row.spent,
        snapshot=None
        if row.embedded is None
        else SnapshotCounts(row.embedded, row.rejected, row.manifest_uri, row.manifest_sha256),
        prompt_version=row.active_prompt_version,
        prompt_metrics=row.metrics or {},
        answered=log.answered,
        ranking_time=row.ranking_time,
        label_events=newest,
        new_label_events=newest - (row.label_watermark or 0),
        newest_label_time=row.newest_time,
        labels=log.tally.kinds,
        class_coverage=labeled / len(row.classes),
        leases=counts.leases.get(pool_id, Leases()),
        batches=counts.batches.get(pool_id, {}),
        runs=counts.runs.get(pool_id, {}),
        running=counts.running.get(pool_id, {}),
        last_training=counts.trainings.get(pool_id),
    )
