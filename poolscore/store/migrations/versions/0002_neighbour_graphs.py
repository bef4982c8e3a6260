"""The nearest-neighbour graph of a snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "neighbour_graphs",
        sa.Column("pool_id", sa.String(63), nullable=False),
        sa.Column("snapshot", sa.BigInteger(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "snapshot"),
        sa.ForeignKeyConstraint(["pool_id", "snapshot"], ["snapshots.pool_id", "snapshots.number"]),
    )


def downgrade() -> None:
    op.drop_table("neighbour_graphs")
