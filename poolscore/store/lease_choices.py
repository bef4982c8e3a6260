"""What a lease asked for beyond the top of the active ranking, kept for retries of its request."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from poolscore.store.records import Batch
from poolscore.store.tables import lease_choices

_CHOICE = select(lease_choices.c.strategy, lease_choices.c.classes).where(
    lease_choices.c.pool_id == bindparam("pool"), lease_choices.c.batch == bindparam("batch")
)


@dataclass(frozen=True)
class LeaseChoice:
    """A strategy and a focus; empty ones are none."""

    strategy: str = ""
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, strategy: str, classes: Sequence[str]) -> "LeaseChoice":
        """The same choice however often and in which order the classes are named."""
        return cls(strategy, tuple(sorted(set(classes))))

    @property
    def words(self) -> str:
        """As a part of a sentence."""
        by = f" by strategy '{self.strategy}'" if self.strategy else ""
        of = f" of {len(self.classes)} classes" if self.classes else ""
        return by + of


def insert_choice(connection: Connection, batch: Batch, choice: LeaseChoice) -> None:
    """Keep the choice of a new batch; none takes no row."""
    if choice != LeaseChoice():
        row = {"pool_id": batch.pool_id, "batch": batch.number, "strategy": choice.strategy}
        connection.execute(lease_choices.insert(), row | {"classes": list(choice.classes)})


def choice_of(connection: Connection, pool_id: str, batch: int) -> LeaseChoice:
    """The choice of a batch."""
    row = connection.execute(_CHOICE, {"pool": pool_id, "batch": batch}).one_or_none()
    return LeaseChoice() if row is None else LeaseChoice(row.strategy, tuple(row.classes))
