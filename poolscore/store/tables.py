"""The catalog's tables. A change here needs a migration with the same change.

Everything is numbered inside its pool: the number is the largest one plus one, taken inside the
write transaction that holds the pool's row, with the primary key as the guard.
"""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
)

from poolscore.store.column_types import String, Text, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _pool_key() -> Column[str]:
    return Column("pool_id", String(63), primary_key=True)


def _of_pool() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["pool_id"], ["pools.pool_id"])


def _number(name: str = "number") -> Column[int]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=nullable)


pools = Table(
    "pools",
    metadata,
    _pool_key(),
    Column("display_name", Text, nullable=False),
    Column("classes", JSON, nullable=False),
    Column("template", Text, nullable=False),
    Column("encoder", JSON, nullable=False),
    Column("encoder_digest", String(64), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("train_after_labels", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    # Grows whenever items become free without an answer; see leases.py.
    Column("freed", BigInteger, nullable=False),
    _time("create_time"),
    _time("update_time"),
    Column("active_snapshot", BigInteger),
    Column("active_prompt_version", BigInteger),
    Column("active_ranking", BigInteger),
    # Labels that may be bought, 0 for any number, and what the answers in force have cost.
    Column("budget", BigInteger, nullable=False, server_default="0"),
    Column("spent", BigInteger, nullable=False, server_default="0"),
    _time("delete_time", nullable=True),
)

runs = Table(
    "runs",
    metadata,
    _pool_key(),
    _number(),
    Column("kind", String(16), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", JSON, nullable=False),
    Column("stages", JSON, nullable=False),
    Column("error", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    _time("create_time"),
    _time("start_time", nullable=True),
    _time("heartbeat_time", nullable=True),
    _time("end_time", nullable=True),
    Column("snapshot", BigInteger),
    Column("prompt_version", BigInteger),
    Column("ranking", BigInteger),
    _of_pool(),
    UniqueConstraint("pool_id", "request_id"),
    Index(None, "state", "create_time"),
)

snapshots = Table(
    "snapshots",
    metadata,
    _pool_key(),
    _number(),
    Column("manifest_uri", Text, nullable=False),
    Column("manifest_sha256", String(64), nullable=False),
    Column("embedded", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("encoder_digest", String(64), nullable=False),
    Column("run", BigInteger),
    _time("create_time"),
    _of_pool(),
    UniqueConstraint("pool_id", "manifest_sha256"),
)

neighbour_graphs = Table(
    "neighbour_graphs",
    metadata,
    _pool_key(),
    _number("snapshot"),
    Column("uri", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("k", Integer, nullable=False),
    Column("images", BigInteger, nullable=False),
    Column("details", JSON, nullable=False),
    _time("create_time"),
    ForeignKeyConstraint(["pool_id", "snapshot"], ["snapshots.pool_id", "snapshots.number"]),
)

prompt_versions = Table(
    "prompt_versions",
    metadata,
    _pool_key(),
    _number(),
    Column("digest", String(64), nullable=False),
    Column("uri", Text, nullable=False),
    Column("label_watermark", BigInteger, nullable=False),
    Column("label_count", BigInteger, nullable=False),
    Column("parent", BigInteger),
    Column("metrics", JSON, nullable=False),
    _time("create_time"),
    # What the numbers in its predictions mean; those of the pool may change.
    Column("classes", JSON, nullable=False, server_default="[]"),
    _of_pool(),
)

promotions = Table(
    "promotions",
    metadata,
    _pool_key(),
    _number("prompt_version"),
    Column("promoted", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("compared_with", BigInteger, nullable=False),
    Column("held_out", BigInteger, nullable=False),
    Column("accuracy", Float),
    Column("active_accuracy", Float),
    Column("p_clean_error", Float),
    Column("active_p_clean_error", Float),
    Column("p_value", Float),
    ForeignKeyConstraint(
        ["pool_id", "prompt_version"], ["prompt_versions.pool_id", "prompt_versions.number"]
    ),
)

rankings = Table(
    "rankings",
    metadata,
    _pool_key(),
    _number(),
    Column("snapshot", BigInteger, nullable=False),
    Column("prompt_version", BigInteger, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("encoder_digest", String(64), nullable=False),
    Column("uri", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    _time("create_time"),
    _of_pool(),
    Index(None, "pool_id", "prompt_version"),
)

# Made for leases that name their strategy, never for the active pointer.
aside_rankings = Table(
    "aside_rankings",
    metadata,
    _pool_key(),
    _number(),
    ForeignKeyConstraint(["pool_id", "number"], ["rankings.pool_id", "rankings.number"]),
)

batches = Table(
    "batches",
    metadata,
    _pool_key(),
    _number(),
    Column("annotator", Text, nullable=False),
    Column("requested_size", Integer, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("state", String(16), nullable=False),
    _time("lease_time"),
    _time("expire_time"),
    Column("ranking", BigInteger, nullable=False),
    Column("prompt_version", BigInteger, nullable=False),
    _of_pool(),
    UniqueConstraint("pool_id", "request_id"),
)


# Of the leases that asked for more than the active ranking gives from its top.
lease_choices = Table(
    "lease_choices",
    metadata,
    _pool_key(),
    _number("batch"),
    Column("strategy", Text, nullable=False),
    Column("classes", JSON, nullable=False),
    ForeignKeyConstraint(["pool_id", "batch"], ["batches.pool_id", "batches.number"]),
)


def _prediction(*, nullable: bool) -> list[Column[float]]:
    names = ("probability", "margin", "entropy", "p_clean")
    return [Column(name, Float, nullable=nullable) for name in names]


batch_items = Table(
    "batch_items",
    metadata,
    _pool_key(),
    _number("batch"),
    _number("rank"),
    Column("item_id", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("utility", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("predicted", Integer, nullable=False),
    *_prediction(nullable=False),
    ForeignKeyConstraint(["pool_id", "batch"], ["batches.pool_id", "batches.number"]),
    Index(None, "pool_id", "item_id", "batch"),
)

item_leases = Table(
    "item_leases",
    metadata,
    _pool_key(),
    Column("item_id", Text, primary_key=True),
    Column("batch", BigInteger, nullable=False),
    _time("expire_time"),
    ForeignKeyConstraint(["pool_id", "batch"], ["batches.pool_id", "batches.number"]),
    Index(None, "pool_id", "expire_time"),
    Index(None, "pool_id", "batch"),
)

label_events = Table(
    "label_events",
    metadata,
    _pool_key(),
    _number("sequence"),
    Column("item_id", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("abstain_reason", Text, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("batch", BigInteger),
    _time("create_time"),
    Column("predicted", Integer),
    *_prediction(nullable=True),
    Column("prompt_version", BigInteger),
    # The answer that this event takes back.
    Column("retracts", BigInteger),
    _of_pool(),
    Index(None, "pool_id", "item_id"),
)

label_requests = Table(
    "label_requests",
    metadata,
    _pool_key(),
    Column("request_id", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("results", JSON, nullable=False),
    _time("create_time"),
    _of_pool(),
)

effective_answers = Table(
    "effective_answers",
    metadata,
    _pool_key(),
    Column("item_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["pool_id", "sequence"], ["label_events.pool_id", "label_events.sequence"]
    ),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_id", String(12), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("holder", Text, nullable=False),
    Column("role", String(16), nullable=False),
    # A list of pool ids; null: all pools.
    Column("pools", JSON(none_as_null=True)),
    _time("create_time"),
    _time("expire_time", nullable=True),
    _time("revoke_time", nullable=True),
)

# Who changed what; see audit.py. Numbered inside the pool, and those of no pool among themselves.
audit_events = Table(
    "audit_events",
    metadata,
    # No foreign key: the empty id is that of no pool.
    _pool_key(),
    _number("sequence"),
    _time("create_time"),
    Column("actor", Text, nullable=False),
    Column("token_id", String(12), nullable=False),
    Column("action", String(32), nullable=False),
    Column("resource", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("facts", JSON, nullable=False),
)
