"""Deleted pools, budgets, the classes of a prompt version, and answers taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# How a schema without retractions keeps one: the annotator's newest answer says nothing, for a
# reason that no annotator gives.
_TAKEN_BACK = "poolscore: this answer was taken back"


def upgrade() -> None:
    op.add_column("pools", _count("budget"))
    op.add_column("pools", _count("spent"))
    op.add_column("pools", sa.Column("delete_time", sa.DateTime(timezone=True)))
    op.add_column(
        "prompt_versions", sa.Column("classes", sa.JSON(), nullable=False, server_default="[]")
    )
    op.execute(
        "UPDATE prompt_versions SET classes = "
        "(SELECT classes FROM pools WHERE pools.pool_id = prompt_versions.pool_id)"
    )
    op.add_column("label_events", sa.Column("retracts", sa.BigInteger()))
    op.create_index("ix_label_events_pool_id_item_id", "label_events", ["pool_id", "item_id"])
    _retractions(before="ABSTAIN", after="RETRACT", reason=_TAKEN_BACK, new_reason="")
    _find_retracted()
    _count_spent()


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def _retractions(before: str, after: str, reason: str, new_reason: str) -> None:
    events = _events()
    op.execute(
        events.update()
        .where(events.c.kind == before, events.c.abstain_reason == reason)
        .values(kind=after, abstain_reason=new_reason)
    )


def _events() -> sa.TableClause:
    names = ("pool_id", "sequence", "item_id", "annotator", "kind", "abstain_reason", "retracts")
    return sa.table("label_events", *(sa.column(name) for name in names))


def _find_retracted() -> None:
    events, earlier = _events(), _events().alias("earlier")
    taken_back = sa.select(sa.func.max(earlier.c.sequence)).where(
        *_same_annotator(events, earlier), earlier.c.sequence < events.c.sequence
    )
    op.execute(
        events.update()
        .where(events.c.kind == "RETRACT")
        .values(retracts=taken_back.scalar_subquery())
    )


def _count_spent() -> None:
    """One label for every annotator's newest answer to an item."""
    events, later = _events(), _events().alias("later")
    pools = sa.table("pools", sa.column("pool_id"), sa.column("spent"))
    newer = sa.exists().where(*_same_annotator(events, later), later.c.sequence > events.c.sequence)
    spent = sa.select(sa.func.count()).where(
        events.c.pool_id == pools.c.pool_id, events.c.kind != "RETRACT", ~newer
    )
    op.execute(pools.update().values(spent=spent.scalar_subquery()))


def _same_annotator(one: sa.FromClause, other: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    names = ("pool_id", "item_id", "annotator")
    return [one.c[name] == other.c[name] for name in names]


def downgrade() -> None:
    _retractions(before="RETRACT", after="ABSTAIN", reason="", new_reason=_TAKEN_BACK)
    op.drop_index("ix_label_events_pool_id_item_id", "label_events")
    op.drop_column("label_events", "retracts")
    op.drop_column("prompt_versions", "classes")
    for name in ("delete_time", "spent", "budget"):
        op.drop_column("pools", name)
