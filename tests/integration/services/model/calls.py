"""What is asked of the service, what it means in the model, and what of an answer is compared.

A call has one or more steps. Each is a transaction of its own: between two of them others may work,
and a crash leaves what the steps before it have done.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from poolscore.labels.answer import Answer
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as query_pb
from services.api.convert_items import answer_message
from tests.integration.services.model.commands import Ask, Command, Refused, Train
from tests.integration.services.model.pool_model import Event, Held, PoolModel, Training
from tests.integration.services.model.world import ITEMS
from tests.seeding import CLASSES

Memo = dict[str, Any]
"""What a call remembers from one of its steps to the next."""
Step = Callable[[PoolModel, Memo], object]
"""Changes the model; what it returns, if that is not None, is the answer."""

DONE = "done"
"""The answer of a trainer for which nothing is left to do."""


class Call(ABC):
    """One call; equal ones with the same request id are retries of each other."""

    request_id = ""

    @abstractmethod
    def command(self, pool: str, die_at: int) -> Command:
        """What a process is told."""

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """The transactions."""

    @abstractmethod
    def read(self, answer: Any) -> object:
        """What of an answer is compared."""

    def aimed(self, model: PoolModel) -> Self:
        """The same call to something that is there: its numbers count what there is, round and
        round, and one more."""
        del model
        return self


class _ApiCall(Call):
    method = ""

    def command(self, pool: str, die_at: int) -> Command:
        return Ask(self.method, self.message(f"pools/{pool}"), die_at)

    @abstractmethod
    def message(self, pool: str) -> Message:
        """The request to the pool of this name."""


class _OneStep(_ApiCall):
    def steps(self) -> Sequence[Step]:
        return (lambda model, _: self.apply(model),)

    @abstractmethod
    def apply(self, model: PoolModel) -> object:
        """The only transaction, or the first."""


@dataclass(frozen=True)
class Lease(_OneStep):
    """Lease `size` items, of some classes only if any are named, for so many minutes."""

    size: int
    annotator: str
    minutes: int
    classes: tuple[str, ...]
    request_id: str
    method = "LeaseBatch"

    def message(self, pool: str) -> Message:
        return query_pb.LeaseBatchRequest(
            parent=pool,
            size=self.size,
            annotator=self.annotator,
            lease_duration=Duration(seconds=60 * self.minutes),
            request_id=self.request_id,
            classes=self.classes,
        )

    def apply(self, model: PoolModel) -> object:
        for number, held in enumerate(model.batches, 1):
            if held.request_id == self.request_id:
                return _batch(model, number)
        if set(self.classes) - set(CLASSES):
            return "UNKNOWN_CLASS"
        if model.budget and model.left() <= 0:
            return "BUDGET_SPENT"
        size = min(self.size, model.left()) if model.budget else self.size
        items = model.free(size, self.classes)
        held = Held(
            self.annotator,
            items,
            model.now + self.minutes,
            model.active,
            model.version,
            self.request_id,
            "OPEN" if items else "DONE",
        )
        model.batches.append(held)
        model.leases |= dict.fromkeys(items, len(model.batches))
        return _batch(model, len(model.batches))

    def read(self, answer: Any) -> object:
        return _read_batch(answer.batch)


@dataclass(frozen=True)
class Extend(_OneStep):
    """Move a batch's deadline."""

    batch: int
    minutes: int
    method = "ExtendBatch"

    def message(self, pool: str) -> Message:
        length = Duration(seconds=60 * self.minutes)
        name = f"{pool}/batches/{self.batch}"
        return query_pb.ExtendBatchRequest(name=name, lease_duration=length)

    def aimed(self, model: PoolModel) -> Self:
        return replace(self, batch=1 + self.batch % (len(model.batches) + 1))

    def apply(self, model: PoolModel) -> object:
        if self.batch > len(model.batches):
            return "BATCH_NOT_FOUND"
        if model.state(self.batch) != "OPEN":
            return "BATCH_NOT_OPEN"
        model.batches[self.batch - 1].expires = model.now + self.minutes
        return _batch(model, self.batch)

    def read(self, answer: Any) -> object:
        return _read_batch(answer.batch)


@dataclass(frozen=True)
class Release(_OneStep):
    """Give a batch back."""

    batch: int
    method = "ReleaseBatch"

    def message(self, pool: str) -> Message:
        return query_pb.ReleaseBatchRequest(name=f"{pool}/batches/{self.batch}")

    def aimed(self, model: PoolModel) -> Self:
        return replace(self, batch=1 + self.batch % (len(model.batches) + 1))

    def apply(self, model: PoolModel) -> object:
        if self.batch > len(model.batches):
            return "BATCH_NOT_FOUND"
        if model.state(self.batch) != "OPEN":
            return _batch(model, self.batch), 0
        mine = [item for item, batch in model.leases.items() if batch == self.batch]
        for item in mine:
            del model.leases[item]
        model.batches[self.batch - 1].state = "RELEASED"
        return _batch(model, self.batch), len(mine)

    def read(self, answer: Any) -> object:
        return _read_batch(answer.batch), answer.released


@dataclass(frozen=True)
class Said:
    """One answer of a request; an empty annotator is that of the batch."""

    item: str
    answer: Answer
    annotator: str
    batch: int | None

    def aimed(self, model: PoolModel, place: int) -> "Said":
        """The same of an item of the batch; without one, of the item that it names."""
        if self.batch is None:
            return self
        batch = 1 + self.batch % (len(model.batches) + 1)
        held = model.batches[batch - 1].items if batch <= len(model.batches) else ()
        item = held[place % len(held)] if held and self.item in ITEMS else self.item
        return replace(self, item=item, batch=batch)


@dataclass(frozen=True)
class Submit(_OneStep):
    """Record answers; then a training may be due."""

    answers: tuple[Said, ...]
    request_id: str
    method = "SubmitLabels"

    def message(self, pool: str) -> Message:
        labels = [
            label_pb.LabelInput(
                item=f"{pool}/items/{said.item}",
                answer=answer_message(said.answer),
                annotator=said.annotator,
                batch="" if said.batch is None else f"{pool}/batches/{said.batch}",
            )
            for said in self.answers
        ]
        return label_pb.SubmitLabelsRequest(parent=pool, labels=labels, request_id=self.request_id)

    def aimed(self, model: PoolModel) -> Self:
        said = (each.aimed(model, place) for place, each in enumerate(self.answers))
        return replace(self, answers=tuple(said))

    def steps(self) -> Sequence[Step]:
        return (*super().steps(), _queue_training)

    def apply(self, model: PoolModel) -> object:
        return _once(model, self, self._record)

    def _record(self, model: PoolModel) -> object:
        before = len(model.events)
        said = self.answers
        results = [model.answer(s.item, s.answer, s.annotator, s.batch) for s in said]
        model.finish_batches({event.item for event in model.events[before:]})
        return tuple(results)

    def read(self, answer: Any) -> object:
        results = answer.results
        return tuple(_number(each.event) if each.event else each.reason for each in results)


@dataclass(frozen=True)
class Retract(_OneStep):
    """Take an answer back."""

    item: str
    annotator: str
    request_id: str
    method = "RetractLabel"

    def message(self, pool: str) -> Message:
        item = f"{pool}/items/{self.item}"
        return label_pb.RetractLabelRequest(
            item=item, annotator=self.annotator, request_id=self.request_id
        )

    def aimed(self, model: PoolModel) -> Self:
        there = sorted(item for item, annotator in model.standing() if annotator == self.annotator)
        if not there or self.item not in ITEMS:
            return self
        return replace(self, item=there[ITEMS.index(self.item) % len(there)])

    def apply(self, model: PoolModel) -> object:
        known = self.request_id in model.label_requests
        event = model.standing().get((self.item, self.annotator))
        if not known and event is None:
            return "NO_ANSWER"
        return _once(model, self, lambda model: self._take_back(model, event))

    def _take_back(self, model: PoolModel, event: int | None) -> object:
        assert event is not None
        batch = model.events[event - 1].batch
        model.events.append(Event(self.item, None, self.annotator, batch, event))
        return len(model.events), event

    def read(self, answer: Any) -> object:
        return _number(answer.event.name), _number(answer.event.retracts)


@dataclass(frozen=True)
class QueueTraining(_OneStep):
    """Ask for a training."""

    request_id: str
    method = "TrainPromptVersion"

    def message(self, pool: str) -> Message:
        return prompt_pb.TrainPromptVersionRequest(parent=pool, request_id=self.request_id)

    def apply(self, model: PoolModel) -> object:
        requests = [run.request for run in model.runs]
        if self.request_id not in requests:
            model.runs.append(Training(self.request_id))
            return len(model.runs)
        return requests.index(self.request_id) + 1

    def read(self, answer: Any) -> object:
        return _number(answer.run.name) - 1  # the first run has embedded the pool


@dataclass(frozen=True)
class Activate(_ApiCall):
    """Roll back, or forth."""

    version: int
    method = "ActivatePromptVersion"

    def message(self, pool: str) -> Message:
        name = f"{pool}/promptVersions/{self.version}"
        return prompt_pb.ActivatePromptVersionRequest(name=name)

    def aimed(self, model: PoolModel) -> Self:
        return replace(self, version=self.version % (len(model.versions) + 1))

    def steps(self) -> Sequence[Step]:
        return (self._look, self._switch)

    def _look(self, model: PoolModel, memo: Memo) -> object:
        if self.version >= len(model.versions):
            return "PROMPT_VERSION_NOT_FOUND"
        made = [n for n, version in enumerate(model.rankings, 1) if version == self.version]
        if not made:
            return "NO_RANKING"
        memo["ranking"] = made[-1]
        return None

    def _switch(self, model: PoolModel, memo: Memo) -> object:
        model.active = memo["ranking"]
        return self.version

    def read(self, answer: Any) -> object:
        return _number(answer.prompt_version.name)


@dataclass(frozen=True)
class SetBudget(_OneStep):
    """Change how many labels may be bought."""

    labels: int
    method = "UpdatePool"

    def message(self, pool: str) -> Message:
        changed = pool_pb.Pool(name=pool, budget=pool_pb.Budget(labels=self.labels))
        mask = FieldMask(paths=["budget.labels"])
        return pool_pb.UpdatePoolRequest(pool=changed, update_mask=mask)

    def apply(self, model: PoolModel) -> object:
        model.budget = self.labels
        return self.labels, len(model.standing())

    def read(self, answer: Any) -> object:
        return answer.pool.budget.labels, answer.pool.budget.spent


@dataclass(frozen=True)
class TrainNext(Call):
    """What a trainer does when it is woken; `owner` is its process."""

    owner: int

    def command(self, pool: str, die_at: int) -> Command:
        del pool  # whichever waits
        return Train(die_at)

    def steps(self) -> Sequence[Step]:
        return (
            self._claim,
            self._collect,
            self._register,
            self._rank,
            self._switch,
            self._finish,
            _queue_training,
        )

    def _claim(self, model: PoolModel, memo: Memo) -> object:
        gone = {self.owner, *model.dead}
        running = [run for run in model.runs if run.state == "RUNNING" and run.owner not in gone]
        for number, run in enumerate(model.runs, 1):
            if run.state in ("PENDING", "RUNNING") and not running:
                run.state, run.owner = "RUNNING", self.owner
                memo["run"] = number
                return None
        return DONE

    def _collect(self, model: PoolModel, memo: Memo) -> object:
        memo["made_from"] = len(model.events), model.version
        return None

    def _register(self, model: PoolModel, memo: Memo) -> object:
        run = model.runs[memo["run"] - 1]
        if run.version is None:
            model.versions.append(memo["made_from"])
            run.version = len(model.versions) - 1
        return None

    def _rank(self, model: PoolModel, memo: Memo) -> object:
        version = model.runs[memo["run"] - 1].version
        assert version is not None
        model.rankings.append(version)
        memo["ranking"] = len(model.rankings)
        return None

    def _switch(self, model: PoolModel, memo: Memo) -> object:
        version = model.rankings[memo["ranking"] - 1]
        _, parent = model.versions[version]
        if model.version in (version, parent):
            model.active = memo["ranking"]
        else:  # another one was activated meanwhile
            memo["failed"] = True
        return None

    def _finish(self, model: PoolModel, memo: Memo) -> object:
        model.runs[memo["run"] - 1].state = "FAILED" if "failed" in memo else "SUCCEEDED"
        return memo["run"]

    def read(self, answer: Any) -> object:
        return answer.run - 1 if answer.run else DONE


def read_answer(call: Call, answer: object) -> object:
    """What is compared: of an error the reason."""
    return answer.reason if isinstance(answer, Refused) else call.read(answer)


def _queue_training(model: PoolModel, memo: Memo) -> object:
    model.queue_training()
    return None


def _once(model: PoolModel, call: Submit | Retract, do: Callable[[PoolModel], object]) -> object:
    if call.request_id not in model.label_requests:
        model.label_requests[call.request_id] = call, do(model)
    return model.label_requests[call.request_id][1]


def _batch(model: PoolModel, number: int) -> object:
    held = model.batches[number - 1]
    return number, held.annotator, held.items, model.state(number), held.ranking, held.version


def _read_batch(batch: query_pb.Batch) -> object:
    items = tuple(item.name.rpartition("/")[2] for item in batch.items)
    state = query_pb.BatchState.Name(batch.state).removeprefix("BATCH_STATE_")
    version = _number(batch.prompt_version)
    return _number(batch.name), batch.annotator, items, state, _number(batch.ranking), version


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])
