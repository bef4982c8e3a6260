"""Whether labels agree with what the active prompt version had predicted before.

Every label event keeps the prediction with which its item was leased. The prompts cannot have
learned from that label, but the images are those that somebody asked for, mostly the doubtful ones.
"""

from array import array
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from poolscore.store.answer_columns import LABEL
from poolscore.store.tables import label_events

_SINCE = select(label_events.c.labels, label_events.c.predicted, label_events.c.p_clean).where(
    label_events.c.pool_id == bindparam("pool"),
    label_events.c.sequence > bindparam("after"),
    label_events.c.sequence <= bindparam("newest"),
    label_events.c.prompt_version == bindparam("version"),
    label_events.c.kind == LABEL,
    label_events.c.predicted.is_not(None),
)


class AnsweredPredictions:
    """Predictions of one prompt version at a time, as far as labels have answered them.

    A corrected label counts twice, as it was given. The log only grows, so that it is read once.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.p_clean = array("d")
        self.right = array("b")
        """1 where the label is the class predicted."""
        self._version: int | None = None
        self._until = 0

    def advance(
        self,
        connection: Connection,
        pool_id: str,
        version: int | None,
        classes: Sequence[str],
        watermark: int,
        newest: int,
    ) -> None:
        """Read what came up to the event `newest`, the last one that the transaction sees.

        `classes` are those that the version predicts; it has predicted nothing that was answered
        before its `watermark`.
        """
        if version != self._version or newest < self._until:
            self.p_clean, self.right = array("d"), array("b")
            self._version, self._until = version, watermark
        if version is not None and newest > self._until:
            key = {"pool": pool_id, "after": self._until, "newest": newest, "version": version}
            for labels, predicted, p_clean in connection.execute(_SINCE, key):
                self.p_clean.append(p_clean)
                self.right.append(labels[0] == classes[predicted])
            self._until = newest
