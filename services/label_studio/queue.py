"""What annotators are shown next: the items of our batches, in the order of the active ranking.

The tasks themselves say which batch they are of, so that nothing else has to be kept. A batch is
leased under a request id made of the batch before it: after a crash between the lease and the
tasks, the same batch comes again.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from poolscore.client import Client
from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.v1 import query_service_pb2 as pb
from services.commands.options import last_part
from services.handoff import label_studio
from services.handoff.label_studio import Interface, origin_of
from services.label_studio.images import Images
from services.label_studio.project import Project, Task

_log = logging.getLogger(__name__)
LEASE = timedelta(hours=1)
_ACTIVE = timedelta(minutes=10)
_FRESH = timedelta(minutes=1)
_GONE = (pb.BATCH_STATE_EXPIRED, pb.BATCH_STATE_RELEASED)


class Queue:
    """Keeps up to `size` tasks waiting in a project."""

    def __init__(
        self,
        client: Client,
        pool: str,
        project: Project,
        images: Images,
        interface: Interface,
        size: int,
    ) -> None:
        """`size` items are leased when less than half as many are waiting."""
        self._client, self._pool, self._project = client, pool, project
        self._images, self._interface, self._size = images, interface, size
        self._annotator = f"label-studio project {project.id}"
        self._batches = f"pools/{pool}/batches/"
        self._after = ""
        self._exhausted: object = None

    def keep(self, settled: Callable[[Task], bool]) -> int:
        """Withdraw what has gone stale, extend leases, lease what is missing.

        Nothing is withdrawn that is not settled: an annotation may have been deleted since the
        answers were recorded, and nobody could take the answer back without its task. Returns how
        many tasks are waiting.
        """
        waiting = [
            task
            for task in self._project.waiting()
            if str(origin_of(task).get("batch", "")).startswith(self._batches)
        ]
        names = sorted({str(origin_of(task)["batch"]) for task in waiting})
        ranking = self._client.get_pool(self._pool).active_ranking
        batches = {
            name: self._renewed(batch, ranking) for name in names if (batch := self._ours(name))
        }
        left = self._withdraw(waiting, batches, settled)
        for task in left:
            self._readdress(task)
        if len(left) * 2 < self._size:
            return len(left) + len(self._lease(left))
        return len(left)

    def _ours(self, name: str) -> pb.Batch | None:
        """A batch of this queue, None for any other name.

        A catalog that was restored from a backup gives names out again, or knows none of this one.
        """
        if not name.startswith(self._batches):
            return None
        try:
            batch = self._client.get_batch(name)
        except NotFoundError:
            return None
        return batch if batch.annotator == self._annotator else None

    def _renewed(self, batch: pb.Batch, ranking: str) -> pb.Batch:
        """Give a batch of an older ranking back; extend one that nears its deadline."""
        if batch.state != pb.BATCH_STATE_OPEN:
            return batch
        if batch.ranking != ranking:
            self._client.release_batch(batch.name)
            return self._client.get_batch(batch.name)
        if batch.expire_time.ToDatetime(UTC) - datetime.now(UTC) < LEASE / 2:
            try:
                return self._client.extend_batch(batch.name, LEASE)
            except FailedPreconditionError:  # it has expired meanwhile
                return self._client.get_batch(batch.name)
        return batch

    def _withdraw(
        self,
        waiting: Sequence[Task],
        batches: Mapping[str, pb.Batch],
        settled: Callable[[Task], bool],
    ) -> list[Task]:
        """Delete tasks that are leased no more or were answered elsewhere; returns the others.

        Not what annotators have before their eyes: the first ones, and those with a draft.
        """
        in_hand = self._project.active_users(_ACTIVE)
        stale: list[int] = []
        left: list[Task] = []
        for place, task in enumerate(waiting):
            batch, name = batches.get(origin_of(task)["batch"]), _name(self._pool, task)
            leased = batch is not None and (
                batch.state not in _GONE and any(item.name == name for item in batch.items)
            )
            answered = batch is not None and name in batch.answered_items
            gone = not leased and place >= in_hand and not task.get("draft_exists")
            if (answered or gone) and settled(task):
                stale.append(task["id"])
            else:
                left.append(task)
        if stale:
            self._project.remove_untouched(stale)
            _log.info("tasks withdrawn", extra={"tasks": len(stale), "pool": self._pool})
        return left

    def _readdress(self, task: Task) -> None:
        """Mend the address of an image after a change of the bridge's own address or token."""
        origin = origin_of(task)
        address = self._images.address(origin["batch"], _name(self._pool, task))
        if task["data"].get(self._interface.field) != address:
            self._project.change(task["id"], data={**task["data"], self._interface.field: address})

    def _lease(self, waiting: Sequence[Task]) -> Sequence[Task]:
        """Lease a batch and make its tasks; returns those that were not there before."""
        pool = self._client.get_pool(self._pool)
        state = pool.active_ranking, pool.counts.leased, pool.budget.left
        if state == self._exhausted:
            return []
        batch = self._next_batch()
        if batch is None:
            self._exhausted = state
            return []
        self._exhausted = None
        known = {origin_of(task)["item"]: task["id"] for task in waiting}
        tasks = [
            label_studio.task(
                batch, item, self._images.address(batch.name, item.name), self._interface
            )
            for item in batch.items
            if item.name not in batch.answered_items
        ]
        for task in tasks:
            if task["meta"]["poolscore"]["item"] in known:
                number = known[task["meta"]["poolscore"]["item"]]
                self._project.change(number, data=task["data"], meta=task["meta"])
        new = [task for task in tasks if task["meta"]["poolscore"]["item"] not in known]
        if new:
            self._project.add(new)
            # Of several versions of a model, a project shows the predictions of this one.
            version = label_studio.model_version(batch.prompt_version)
            self._project.update(model_version=version)
        self._after = _mark(batch)  # not before its tasks are there
        _log.info(
            "batch leased",
            extra={"batch": batch.name, "tasks": len(new), "prompt_version": batch.prompt_version},
        )
        return new

    def _next_batch(self) -> pb.Batch | None:
        """Lease the batch after the last one; None when nothing is left to lease."""
        if not self._after and (newest := self._project.newest()):
            name = str(origin_of(newest).get("batch", ""))
            batch = self._ours(name)
            self._after = _mark(batch) if batch else f"{name}, which was lost"
        while True:
            try:
                batch = self._client.lease(
                    self._pool,
                    self._size,
                    self._annotator,
                    duration=LEASE,
                    request_id=self._request_id(),
                )
            except FailedPreconditionError as error:  # no ranking yet, or the budget is spent
                _log.info(error.message, extra={"pool": self._pool, "reason": error.reason})
                return None
            if batch.items and batch.state == pb.BATCH_STATE_OPEN:
                return batch
            self._after = _mark(batch)
            if not batch.items and batch.lease_time.ToDatetime(UTC) > datetime.now(UTC) - _FRESH:
                return None  # and not one that was empty long ago

    def _request_id(self) -> str:
        text = f"{self._project.identity} {self._pool} {self._size} after {self._after}"
        return f"label-studio-{hashlib.sha256(text.encode()).hexdigest()}"


def _mark(batch: pb.Batch) -> str:
    """Tells a batch from another one of its name, see `Queue._ours`."""
    return f"{last_part(batch.name)} of {batch.lease_time.ToJsonString()}"


def _name(pool: str, task: Task) -> str:
    return f"pools/{pool}/items/{origin_of(task)['item']}"
