"""The answers in force for some items, and whether a new answer only repeats one of them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from poolscore.labels.answer import Answer
from poolscore.store.answer_columns import read_answer
from poolscore.store.label_rules import Accepted
from poolscore.store.tables import effective_answers, label_events


@dataclass(frozen=True)
class InForce:
    """What the newest event of an item says."""

    sequence: int
    answer: Answer
    annotator: str
    batch: int | None

    def repeated_by(self, new: Accepted) -> bool:
        """Whether a new answer to this item says the same; one without a batch may mean any."""
        return (new.answer.answer, new.annotator) == (self.answer, self.annotator) and (
            new.answer.batch in (None, self.batch)
        )


def answers_in_force(
    connection: Connection, pool_id: str, items: Collection[str]
) -> dict[str, InForce]:
    """The answers in force for those of the items that have one, by item."""
    events, answers = label_events.c, effective_answers.c
    query = (
        select(label_events)
        .join_from(
            effective_answers,
            label_events,
            and_(answers.pool_id == events.pool_id, answers.sequence == events.sequence),
        )
        .where(answers.pool_id == pool_id, answers.item_id.in_(items))
    )
    return {
        row.item_id: InForce(row.sequence, read_answer(row), row.annotator, row.batch)
        for row in connection.execute(query)
    }
