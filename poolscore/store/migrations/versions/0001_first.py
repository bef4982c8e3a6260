"""Pools, runs, snapshots, prompt versions, rankings, batches, leases and label events.

Names of constraints come from the naming convention of `poolscore.store.tables`.
"""

import sqlalchemy as sa
from alembic import op

from poolscore.store.column_types import by_bytes

revision = "0001"
down_revision = None

TABLES = (
    "pools",
    "runs",
    "snapshots",
    "prompt_versions",
    "rankings",
    "batches",
    "batch_items",
    "item_leases",
    "label_events",
    "label_requests",
    "effective_answers",
)


def text(name: str, length: int | None = None) -> sa.Column:
    return sa.Column(name, by_bytes(sa.String(length) if length else sa.Text()), nullable=False)


def big(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def integer(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def real(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Float(), nullable=nullable)


def json(name: str) -> sa.Column:
    return sa.Column(name, sa.JSON(), nullable=False)


def time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def of_pool() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["pool_id"], ["pools.pool_id"])


def of_batch() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["pool_id", "batch"], ["batches.pool_id", "batches.number"])


def upgrade() -> None:
    op.create_table(
        "pools",
        text("pool_id", 63),
        text("display_name"),
        json("classes"),
        text("template"),
        json("encoder"),
        text("encoder_digest", 64),
        text("strategy"),
        integer("train_after_labels"),
        big("revision"),
        big("freed"),
        time("create_time"),
        time("update_time"),
        big("active_snapshot", nullable=True),
        big("active_prompt_version", nullable=True),
        big("active_ranking", nullable=True),
        sa.PrimaryKeyConstraint("pool_id"),
    )
    op.create_table(
        "runs",
        text("pool_id", 63),
        big("number"),
        text("kind", 16),
        json("spec"),
        text("request_id"),
        text("state", 16),
        json("progress"),
        json("stages"),
        text("error"),
        big("sequence"),
        text("owner"),
        integer("attempts"),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        time("create_time"),
        time("start_time", nullable=True),
        time("heartbeat_time", nullable=True),
        time("end_time", nullable=True),
        big("snapshot", nullable=True),
        big("prompt_version", nullable=True),
        big("ranking", nullable=True),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        sa.UniqueConstraint("pool_id", "request_id"),
        of_pool(),
    )
    op.create_index("ix_runs_state_create_time", "runs", ["state", "create_time"])
    op.create_table(
        "snapshots",
        text("pool_id", 63),
        big("number"),
        text("manifest_uri"),
        text("manifest_sha256", 64),
        big("embedded"),
        big("rejected"),
        text("encoder_digest", 64),
        big("run", nullable=True),
        time("create_time"),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        sa.UniqueConstraint("pool_id", "manifest_sha256"),
        of_pool(),
    )
    op.create_table(
        "prompt_versions",
        text("pool_id", 63),
        big("number"),
        text("digest", 64),
        text("uri"),
        big("label_watermark"),
        big("label_count"),
        big("parent", nullable=True),
        json("metrics"),
        time("create_time"),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        of_pool(),
    )
    op.create_table(
        "rankings",
        text("pool_id", 63),
        big("number"),
        big("snapshot"),
        big("prompt_version"),
        text("strategy"),
        json("parameters"),
        big("seed"),
        text("code_version"),
        text("encoder_digest", 64),
        text("uri"),
        text("sha256", 64),
        big("size"),
        time("create_time"),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        of_pool(),
    )
    op.create_index("ix_rankings_pool_id_prompt_version", "rankings", ["pool_id", "prompt_version"])
    _create_batches()
    _create_labels()


def _create_batches() -> None:
    op.create_table(
        "batches",
        text("pool_id", 63),
        big("number"),
        text("annotator"),
        integer("requested_size"),
        text("request_id"),
        text("state", 16),
        time("lease_time"),
        time("expire_time"),
        big("ranking"),
        big("prompt_version"),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        sa.UniqueConstraint("pool_id", "request_id"),
        of_pool(),
    )
    op.create_table(
        "batch_items",
        text("pool_id", 63),
        big("batch"),
        big("rank"),
        text("item_id"),
        text("uri"),
        real("utility"),
        text("reason"),
        integer("predicted"),
        real("probability"),
        real("margin"),
        real("entropy"),
        real("p_clean"),
        sa.PrimaryKeyConstraint("pool_id", "batch", "rank"),
        of_batch(),
    )
    op.create_index(
        "ix_batch_items_pool_id_item_id_batch", "batch_items", ["pool_id", "item_id", "batch"]
    )
    op.create_table(
        "item_leases",
        text("pool_id", 63),
        text("item_id"),
        big("batch"),
        time("expire_time"),
        sa.PrimaryKeyConstraint("pool_id", "item_id"),
        of_batch(),
    )
    op.create_index("ix_item_leases_pool_id_expire_time", "item_leases", ["pool_id", "expire_time"])
    op.create_index("ix_item_leases_pool_id_batch", "item_leases", ["pool_id", "batch"])


def _create_labels() -> None:
    op.create_table(
        "label_events",
        text("pool_id", 63),
        big("sequence"),
        text("item_id"),
        text("kind", 16),
        json("labels"),
        text("abstain_reason"),
        text("annotator"),
        big("batch", nullable=True),
        time("create_time"),
        integer("predicted", nullable=True),
        real("probability", nullable=True),
        real("margin", nullable=True),
        real("entropy", nullable=True),
        real("p_clean", nullable=True),
        big("prompt_version", nullable=True),
        sa.PrimaryKeyConstraint("pool_id", "sequence"),
        of_pool(),
    )
    op.create_table(
        "label_requests",
        text("pool_id", 63),
        text("request_id"),
        text("digest", 64),
        json("results"),
        time("create_time"),
        sa.PrimaryKeyConstraint("pool_id", "request_id"),
        of_pool(),
    )
    op.create_table(
        "effective_answers",
        text("pool_id", 63),
        text("item_id"),
        big("sequence"),
        sa.PrimaryKeyConstraint("pool_id", "item_id"),
        sa.ForeignKeyConstraint(
            ["pool_id", "sequence"], ["label_events.pool_id", "label_events.sequence"]
        ),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
