"""Leases by strategy and class, rankings beside the active one, held-out checks of versions."""

import sqlalchemy as sa
from alembic import op

from poolscore.store.column_types import by_bytes

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "promotions",
        sa.Column("pool_id", by_bytes(sa.String(63)), nullable=False),
        sa.Column("prompt_version", sa.BigInteger(), nullable=False),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("reason", by_bytes(sa.Text()), nullable=False),
        sa.Column("compared_with", sa.BigInteger(), nullable=False),
        sa.Column("held_out", sa.BigInteger(), nullable=False),
        sa.Column("accuracy", sa.Float()),
        sa.Column("active_accuracy", sa.Float()),
        sa.Column("p_clean_error", sa.Float()),
        sa.Column("active_p_clean_error", sa.Float()),
        sa.Column("p_value", sa.Float()),
        sa.PrimaryKeyConstraint("pool_id", "prompt_version"),
        sa.ForeignKeyConstraint(
            ["pool_id", "prompt_version"], ["prompt_versions.pool_id", "prompt_versions.number"]
        ),
    )
    op.create_table(
        "aside_rankings",
        sa.Column("pool_id", by_bytes(sa.String(63)), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "number"),
        sa.ForeignKeyConstraint(["pool_id", "number"], ["rankings.pool_id", "rankings.number"]),
    )
    op.create_table(
        "lease_choices",
        sa.Column("pool_id", by_bytes(sa.String(63)), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("strategy", by_bytes(sa.Text()), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "batch"),
        sa.ForeignKeyConstraint(["pool_id", "batch"], ["batches.pool_id", "batches.number"]),
    )


def downgrade() -> None:
    for name in ("lease_choices", "aside_rankings", "promotions"):
        op.drop_table(name)
