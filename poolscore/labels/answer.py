"""What an annotator can answer, and what becomes of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

CANNOT_TELL = "?"
"""How people write that they cannot tell."""
SEPARATOR = "|"
"""What people write between several candidates."""
MAX_STREAMED = 20_000
"""Answers of one stream: so many results fit into one message."""


@dataclass(frozen=True)
class Label:
    """The image shows this class."""

    label: str


@dataclass(frozen=True)
class Candidates:
    """The image shows one of these classes: two or more, all different."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Abstain:
    """The annotator cannot tell."""

    reason: str = ""


Answer = Label | Candidates | Abstain


def class_names(answer: Answer) -> tuple[str, ...]:
    """Class names that the answer allows; empty for an abstention."""
    match answer:
        case Label(label):
            return (label,)
        case Candidates(labels):
            return labels
        case Abstain():
            return ()


def answer_text(answer: Answer) -> str:
    """The answer as people write it: `cat`, `cat|dog`, or `?` with the reason, if there is one."""
    if isinstance(answer, Abstain):
        return f"{CANNOT_TELL} {answer.reason}".strip()
    return SEPARATOR.join(class_names(answer))


def class_indices(answer: Answer, classes: Sequence[str]) -> tuple[int, ...]:
    """Positions in `classes` of the names that the answer allows."""
    return tuple(classes.index(name) for name in class_names(answer))


@dataclass(frozen=True)
class LabelInput:
    """One answer on its way in."""

    item_id: str
    answer: Answer
    annotator: str = ""
    """Who answered; empty: the annotator of the batch."""
    batch: int | None = None
    """The batch that the item was leased with; None: an answer without a lease."""


@dataclass(frozen=True)
class LabelResult:
    """What became of one answer: `event` when accepted, else a reason and a message.

    A message beside an event says that the answer was recorded before, as that event.
    """

    event: int | None
    """Sequence number of the label event."""
    reason: str = ""
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the answer is recorded, now or before."""
        return self.event is not None
