"""An annotator at work, who sends every request until it is answered and remembers the answers."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from poolscore.client import Client
from poolscore.errors import UnavailableError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import query_service_pb2 as query_pb

Response = TypeVar("Response")

PATIENCE_S = 120.0
SIZE = 3


class Counter:
    """Answers that were acknowledged to all annotators together; others wait for more of them."""

    def __init__(self) -> None:
        """None yet."""
        self._changed, self._count = threading.Condition(), 0

    def add(self) -> None:
        """Count one."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, more: int) -> None:
        """Return when so many more were counted."""
        with self._changed:
            wanted = self._count + more
            done = self._changed.wait_for(lambda: self._count >= wanted, PATIENCE_S)
        assert done, "the service acknowledges nothing any more"


@dataclass
class Annotator:
    """Leases, answers and takes most answers back, so that there is always something to lease."""

    address: str
    pool: str
    name: str
    acknowledged: Counter
    stop: threading.Event
    batches: list[str] = field(default_factory=list[str])
    events: dict[str, str] = field(default_factory=dict[str, str])
    """Items by the label events that were acknowledged."""
    held: list[tuple[str, float, float]] = field(default_factory=list[tuple[str, float, float]])
    """Items, from when to when they were certainly held."""

    def work(self) -> None:
        """Work until `stop` is set."""
        with Client(self.address) as self._client:
            while not self.stop.is_set():
                self._annotate()

    def _annotate(self) -> None:
        request = uuid.uuid4().hex
        batch = self._until_answered(
            lambda: self._client.lease(self.pool, SIZE, self.name, request_id=request)
        )
        since = time.monotonic()
        self.batches.append(batch.name)
        if not batch.items:
            return
        self._answer(batch)
        self.held += [(item.name, since, self._sent) for item in batch.items]
        for item in batch.items[1:]:
            self._take_back(item.name)

    def _answer(self, batch: query_pb.Batch) -> None:
        labels = [
            label_pb.LabelInput(
                item=item.name,
                batch=batch.name,
                annotator=self.name,
                answer=label_pb.Answer(label=item.prediction.label),
            )
            for item in batch.items
        ]
        request, self._sent = uuid.uuid4().hex, time.monotonic()
        response = self._until_answered(
            lambda: self._client.submit_labels(self.pool, labels, request_id=request)
        )
        for label, result in zip(labels, response.results, strict=True):
            assert result.event, result
            self._note(result.event, label.item)

    def _take_back(self, item: str) -> None:
        request = uuid.uuid4().hex
        event = self._until_answered(
            lambda: self._client.retract_label(item, self.name, request_id=request)
        )
        self._note(event.name, item)

    def _note(self, event: str, item: str) -> None:
        assert event not in self.events
        self.events[event] = item

    def _until_answered(self, call: Callable[[], Response]) -> Response:
        """Retry what the client gave up: what it cannot know is settled by the request id."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = call()
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
            else:
                self.acknowledged.add()
                return response
