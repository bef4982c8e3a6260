"""The nearest-neighbour graph of a snapshot; embedding runs of several sources."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from poolscore.store.column_types import by_bytes

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "neighbour_graphs",
        sa.Column("pool_id", by_bytes(sa.String(63)), nullable=False),
        sa.Column("snapshot", sa.BigInteger(), nullable=False),
        sa.Column("uri", by_bytes(sa.Text()), nullable=False),
        sa.Column("sha256", by_bytes(sa.String(64)), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "snapshot"),
        sa.ForeignKeyConstraint(["pool_id", "snapshot"], ["snapshots.pool_id", "snapshots.number"]),
    )

    _respell(lambda spec: {"sources": [spec["source"]]} if "source" in spec else spec)


def _respell(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    runs = sa.table(
        "runs",
        sa.column("pool_id"),
        sa.column("number"),
        sa.column("kind"),
        sa.column("spec", sa.JSON()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(runs).where(runs.c.kind == "EMBED")).all():
        here = (runs.c.pool_id == row.pool_id) & (runs.c.number == row.number)
        connection.execute(runs.update().where(here).values(spec=change(row.spec)))


def downgrade() -> None:
    _respell(lambda spec: {"source": spec["sources"][0]})
    op.drop_table("neighbour_graphs")
