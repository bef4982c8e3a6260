"""The audit trail, and what may never change refused by the database itself.

An older catalog begins its trail with the state that it is in, at most a thousand rows an event.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from poolscore.store.column_types import UtcDateTime, by_bytes

revision = "0006"
down_revision = "0005"

_ROWS = 1000

_NEVER_CHANGE = (
    "audit_events",
    "snapshots",
    "prompt_versions",
    "promotions",
    "rankings",
    "aside_rankings",
    "lease_choices",
    "batch_items",
    "label_events",
    "label_requests",
)
# Columns that keep the value with which the row was made; the rows are never deleted either.
_FIXED_COLUMNS = {
    "pools": ("pool_id", "template", "encoder", "encoder_digest", "create_time"),
    "runs": ("pool_id", "number", "kind", "spec", "request_id", "create_time"),
    "batches": (
        "pool_id",
        "number",
        "annotator",
        "requested_size",
        "request_id",
        "lease_time",
        "ranking",
        "prompt_version",
    ),
    "api_tokens": (
        "token_id",
        "secret_hash",
        "holder",
        "role",
        "pools",
        "create_time",
        "expire_time",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("pool_id", by_bytes(sa.String(63)), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", by_bytes(sa.Text()), nullable=False),
        sa.Column("token_id", by_bytes(sa.String(12)), nullable=False),
        sa.Column("action", by_bytes(sa.String(32)), nullable=False),
        sa.Column("resource", by_bytes(sa.Text()), nullable=False),
        sa.Column("request_id", by_bytes(sa.Text()), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "sequence"),
    )
    _begin_trails()
    _protect()


def _begin_trails() -> None:
    connection = op.get_bind()
    pools = [*connection.scalars(sa.select(_table("pools", "pool_id").c.pool_id))]
    trails = {pool: _facts_of_pool(connection, pool) for pool in sorted(pools)}
    trails[""] = _parts("api_tokens", _rows(connection, "api_tokens", ("token_id", "revoke_time")))
    now = datetime.now(UTC)
    events = sa.table(
        "audit_events",
        *(sa.column(name) for name in ("pool_id", "sequence", "actor", "token_id", "action")),
        sa.column("resource"),
        sa.column("request_id"),
        sa.column("create_time", UtcDateTime()),
        sa.column("facts", sa.JSON()),
    )
    for pool, parts in trails.items():
        for sequence, facts in enumerate(parts, start=1):
            connection.execute(
                events.insert().values(
                    pool_id=pool,
                    sequence=sequence,
                    create_time=now,
                    actor="migration 0006",
                    token_id="",
                    action="BEGIN_TRAIL",
                    resource=f"pools/{pool}" if pool else "tokens",
                    request_id="",
                    facts=facts,
                )
            )


def _facts_of_pool(connection: sa.Connection, pool: str) -> Iterator[dict[str, Any]]:
    """What `poolscore.store.replay` needs, in an order in which nothing refers to what follows."""
    yield from _parts("pools", _rows(connection, "pools", _POOL, pool))
    yield from _parts("runs", _rows(connection, "runs", _RUN, pool))
    ranges = (("snapshots", "number"), ("prompt_versions", "number"), ("promotions", None))
    for name, column in (*ranges, ("rankings", "number")):
        yield from _range(connection, name, column or "prompt_version", pool)
    graphs = _rows(connection, "neighbour_graphs", _GRAPH, pool)
    yield from _parts("neighbour_graphs", graphs)
    yield from _parts("batches", _rows(connection, "batches", _BATCH, pool))
    yield from _parts("item_leases", _rows(connection, "item_leases", _LEASE, pool))
    yield from _range(connection, "label_events", "sequence", pool)
    yield from _parts("label_requests", _rows(connection, "label_requests", ("request_id",), pool))


_POOL = (
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
)
_RUN = (
    "number",
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
)
_GRAPH = ("snapshot", "uri", "sha256", "k", "images", "details", "create_time")
_BATCH = ("number", "state", "expire_time")
_LEASE = ("item_id", "batch", "expire_time")
_JSON = ("classes", "progress", "stages", "details")


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(_column(each) for each in columns))


def _column(name: str) -> sa.ColumnClause[Any]:
    if name.endswith("_time"):
        return sa.column(name, UtcDateTime())
    if name in _JSON:
        return sa.column(name, sa.JSON())
    return sa.column(name, sa.Boolean()) if name == "cancel_requested" else sa.column(name)


def _rows(
    connection: sa.Connection, name: str, columns: tuple[str, ...], pool: str | None = None
) -> list[dict[str, Any]]:
    table = _table(name, *columns, *(() if pool is None else ("pool_id",)))
    query = sa.select(*(table.c[each] for each in columns)).order_by(table.c[columns[0]])
    if pool is not None:
        query = query.where(table.c.pool_id == pool)
    rows = connection.execute(query).mappings()
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _parts(name: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(rows), _ROWS):
        yield {name: rows[start : start + _ROWS]}


def _range(
    connection: sa.Connection, name: str, column: str, pool: str
) -> Iterator[dict[str, Any]]:
    table = _table(name, "pool_id", column)
    ends = sa.select(sa.func.min(table.c[column]), sa.func.max(table.c[column]))
    first, last = connection.execute(ends.where(table.c.pool_id == pool)).one()
    if first is not None:
        yield {name: [{column: [first, last]}]}


def _protect() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in _NEVER_CHANGE:
            _sqlite_trigger(name, "UPDATE", "rows of {} never change")
        for name, columns in _FIXED_COLUMNS.items():
            _sqlite_trigger(name, f"UPDATE OF {', '.join(columns)}", "this of {} never changes")
        for name in (*_NEVER_CHANGE, *_FIXED_COLUMNS):
            _sqlite_trigger(name, "DELETE", "rows of {} are never deleted")
        return
    op.execute(
        "CREATE FUNCTION poolscore_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is not possible: rows of % are kept as they are', TG_OP, TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    for name in _NEVER_CHANGE:
        _postgresql_trigger(name, "UPDATE OR DELETE OR TRUNCATE")
    for name, columns in _FIXED_COLUMNS.items():
        _postgresql_trigger(name, f"UPDATE OF {', '.join(columns)} OR DELETE OR TRUNCATE")


def _sqlite_trigger(table: str, event: str, why: str) -> None:
    op.execute(
        f"CREATE TRIGGER {_trigger(table, event)} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{why.format(table)}'); END"
    )


def _postgresql_trigger(table: str, events: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_kept BEFORE {events} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION poolscore_refuse()"
    )


def _trigger(table: str, event: str) -> str:
    return f"{table}_kept_from_{event.split()[0].lower()}"


def downgrade() -> None:
    for name in (*_NEVER_CHANGE, *_FIXED_COLUMNS):
        if op.get_bind().dialect.name == "sqlite":
            for event in ("UPDATE", "DELETE"):
                op.execute(f"DROP TRIGGER {_trigger(name, event)}")
        else:
            op.execute(f"DROP TRIGGER {name}_kept ON {name}")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION poolscore_refuse()")
    op.drop_table("audit_events")
