"""How many answers of each kind are in force, without counting a million of them every time."""

import json
from collections import Counter

from sqlalchemy import Connection, Text, and_, cast, func, select

from poolscore.labels.answer import Label
from poolscore.store.answer_columns import LABEL, write_answer
from poolscore.store.in_force import Standing, effective, standing_since
from poolscore.store.tables import effective_answers, label_events

RECOUNT = 50_000
"""New events from which on counting all answers takes no longer than following the new ones."""


class LabelTally:
    """Effective answers of one pool, by kind, and labels by class.

    The log of events only grows, so that what changed since is what the new events are about.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self.kinds: Counter[str] = Counter()
        """By kind of answer, as in the table of events."""
        self.classes: Counter[str] = Counter()
        """Single labels by class name."""
        self._until = 0

    def advance(self, connection: Connection, pool_id: str, newest: int) -> None:
        """Count up to the event `newest`, the last one that the transaction sees."""
        new = newest - self._until
        if new < 0 or new > RECOUNT or self._until == 0:
            self._count_all(connection, pool_id)
        elif new:
            before, now = standing_since(connection, pool_id, self._until)
            self._add(before, -1)
            self._add(now, 1)
        self._until = newest

    def _count_all(self, connection: Connection, pool_id: str) -> None:
        self.kinds.clear()
        self.classes.clear()
        events, answers = label_events.c, effective_answers.c
        # A JSON column cannot be grouped by in PostgreSQL.
        said = cast(events.labels, Text)
        query = (
            select(events.kind, said, func.count())
            .join_from(
                effective_answers,
                label_events,
                and_(answers.pool_id == events.pool_id, answers.sequence == events.sequence),
            )
            .where(answers.pool_id == pool_id)
            .group_by(events.kind, said)
        )
        for kind, labels, count in connection.execute(query):
            self.kinds[kind] += count
            if kind == LABEL:
                self.classes[json.loads(labels)[0]] += count

    def _add(self, standing: Standing, count: int) -> None:
        for each in effective(standing).values():
            self.kinds[write_answer(each.answer)["kind"]] += count
            if isinstance(each.answer, Label):
                self.classes[each.answer.label] += count
