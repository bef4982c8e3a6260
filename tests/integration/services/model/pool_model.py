"""The pool as a few lists and dictionaries: what the service must be equal to."""

from dataclasses import dataclass, field
from typing import NamedTuple

from poolscore.labels.answer import Abstain, Answer, class_names
from tests.integration.services.model.world import TRAIN_AFTER, order_of, predicted
from tests.seeding import CLASSES


@dataclass
class Held:
    """A batch."""

    annotator: str
    items: tuple[str, ...]
    expires: int
    ranking: int
    version: int
    request_id: str
    state: str
    """OPEN, DONE or RELEASED, as it is written down; OPEN ones expire."""


class Event(NamedTuple):
    """A label event; `answer` is None when it takes back event `retracts`."""

    item: str
    answer: Answer | None
    annotator: str
    batch: int | None
    retracts: int | None = None


@dataclass
class Training:
    """A training run."""

    request: str
    state: str = "PENDING"
    owner: int = 0
    version: int | None = None


@dataclass
class PoolModel:
    """The state; numbers begin with 1 and are places in the lists, but versions begin with 0."""

    now: int = 0
    """Minutes since the beginning."""
    budget: int = 0
    batches: list[Held] = field(default_factory=list[Held])
    leases: dict[str, int] = field(default_factory=dict[str, int])
    """Batch by item; those of expired batches may be among them."""
    events: list[Event] = field(default_factory=list[Event])
    label_requests: dict[str, tuple[object, object]] = field(
        default_factory=dict[str, tuple[object, object]]
    )
    """Content and outcome."""
    versions: list[tuple[int, int | None]] = field(
        default_factory=lambda: list[tuple[int, int | None]]([(0, None)])
    )
    """Watermark and parent."""
    rankings: list[int] = field(default_factory=lambda: [0])
    """The version of each."""
    active: int = 1
    """Ranking."""
    runs: list[Training] = field(default_factory=list[Training])
    dead: set[int] = field(default_factory=set[int])
    """Owners of runs that live no more."""

    @property
    def version(self) -> int:
        """The active one."""
        return self.rankings[self.active - 1]

    def state(self, number: int) -> str:
        """Of a batch, now."""
        held = self.batches[number - 1]
        expired = held.state == "OPEN" and held.expires <= self.now
        return "EXPIRED" if expired else held.state

    def open_leases(self) -> dict[str, int]:
        """Batch by item, of those that hold now."""
        held = self.leases.items()
        return {item: batch for item, batch in held if self.batches[batch - 1].expires > self.now}

    def standing(self) -> dict[tuple[str, str], int]:
        """Events of the answers in force, by item and annotator."""
        found: dict[tuple[str, str], int] = {}
        for number, event in enumerate(self.events, 1):
            if event.answer is None:
                del found[event.item, event.annotator]
            else:
                found[event.item, event.annotator] = number
        return found

    def effective(self) -> dict[str, int]:
        """The newest of them by item."""
        found: dict[str, int] = {}
        for (item, _), number in self.standing().items():
            found[item] = max(number, found.get(item, 0))
        return found

    def free(self, size: int, classes: tuple[str, ...]) -> tuple[str, ...]:
        """What a lease would take from the active ranking."""
        taken = self.open_leases().keys() | self.effective().keys()
        order = enumerate(order_of(self.version))
        wanted = [item for rank, item in order if not classes or predicted(rank) in classes]
        return tuple(item for item in wanted if item not in taken)[:size]

    def left(self) -> int:
        """Labels that neither are spent nor reserved."""
        return self.budget - len(self.standing()) - len(self.open_leases())

    def answer(self, item: str, answer: Answer, annotator: str, batch: int | None) -> object:
        """Record one answer; the event that holds it, or why it is refused."""
        unknown = [name for name in class_names(answer) if name not in CLASSES]
        holders = [n for n, held in enumerate(self.batches, 1) if item in held.items]
        if unknown:
            return "UNKNOWN_CLASS"
        if batch is not None and batch not in holders:
            return "WRONG_BATCH" if batch <= len(self.batches) else "BATCH_NOT_FOUND"
        if not holders and item not in order_of(0):
            return "UNKNOWN_ITEM"
        if not annotator and holders:
            annotator = self.batches[(batch or max(holders)) - 1].annotator
        old = self.standing().get((item, annotator))
        if old is not None:
            was = self.events[old - 1]
            if was.answer == answer and batch in (None, was.batch):
                return old
        first = (item, annotator) not in self.standing()
        reserved = item in self.open_leases()
        if first and self.budget and not reserved and not holders and self.left() <= 0:
            return "BUDGET_SPENT"
        self.events.append(Event(item, answer, annotator, batch))
        self.leases.pop(item, None)
        return len(self.events)

    def finish_batches(self, items: set[str]) -> None:
        """Close the batches of these items that have no item without an answer."""
        answered = self.effective().keys()
        for held in self.batches:
            if held.state == "OPEN" and items & set(held.items) and answered >= set(held.items):
                held.state = "DONE"

    def queue_training(self) -> None:
        """Queue the training that is due."""
        if self.runs and self.runs[-1].state in ("PENDING", "RUNNING"):
            return
        number, (watermark, _) = len(self.versions) - 1, self.versions[-1]
        passed = self._new_answers(watermark) // TRAIN_AFTER
        request = f"auto-{number}-{passed}"
        if passed and request not in [run.request for run in self.runs]:
            self.runs.append(Training(request))

    def _new_answers(self, watermark: int) -> int:
        new = 0
        for number, event in enumerate(self.events, 1):
            who, later = (event.item, event.annotator), self.events[number:]
            gone = any((e.item, e.annotator) == who and e.answer is None for e in later)
            teaches = event.answer is not None and not isinstance(event.answer, Abstain)
            new += number > watermark and teaches and not gone
        return new
