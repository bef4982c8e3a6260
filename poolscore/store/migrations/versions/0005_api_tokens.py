"""Tokens of the API."""

import sqlalchemy as sa
from alembic import op

from poolscore.store.column_types import by_bytes

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", by_bytes(sa.String(12)), nullable=False),
        sa.Column("secret_hash", by_bytes(sa.String(64)), nullable=False),
        sa.Column("holder", by_bytes(sa.Text()), nullable=False),
        sa.Column("role", by_bytes(sa.String(16)), nullable=False),
        sa.Column("pools", sa.JSON()),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True)),
        sa.Column("revoke_time", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("token_id"),
    )


def downgrade() -> None:
    op.drop_table("api_tokens")
