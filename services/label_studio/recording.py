"""Annotations of a project become label events.

What Label Studio says now is compared with what is in force, so that it does not matter how often
or in which order its webhooks come, nor whether the bridge was up. Every version of an annotation
is sent under a request id of its own: sent again, it changes nothing.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from poolscore.client import Client
from poolscore.errors import NotFoundError
from poolscore.v1 import label_service_pb2 as pb
from services.commands.options import child, item_id
from services.handoff.label_studio import Annotation, annotations_of, origin_of
from services.label_studio.project import Project, Task, time_of

_log = logging.getLogger(__name__)
_SLACK = timedelta(seconds=10)
"""Changes may become visible in another order than they were made in."""
_CLOCKS = timedelta(minutes=1)
"""By which those of Label Studio and of the service may differ."""

_BATCH_IS_ANOTHER = ("BATCH_NOT_FOUND", "WRONG_BATCH")
"""Why an answer is refused whose batch the catalog has lost, after a restore from a backup."""

InForce = dict[str, dict[str, pb.LabelEvent]]
"""The answers in force, by item and annotator."""


class Recorder:
    """Sends what is new in a project to the pool."""

    def __init__(self, client: Client, pool: str, project: Project) -> None:
        """Begin with everything that the project holds."""
        self._client, self._pool, self._project = client, pool, project
        self._since: datetime | None = None
        self._seen: dict[int, str] = {}

    def record(self) -> int:
        """Bring the pool up to date; returns how many answers and retractions were sent."""
        since, sent = self._since, 0
        # The first time everything is compared, later only what has changed.
        everything = (
            _in_force(self._client.list_label_events(self._pool)) if since is None else None
        )
        newest, seen = since, dict[int, str]()
        for page in self._project.changed(since and since - _SLACK):
            new = [task for task in page if self._seen.get(task["id"]) != task["updated_at"]]
            sent += self._settle_all([task for task in new if self._is_ours(task)], everything)
            for task in page:
                seen[task["id"]] = task["updated_at"]
                newest = max(newest or time_of(task["updated_at"]), time_of(task["updated_at"]))
        # Only now: what was broken off is looked at again.
        self._since = newest
        self._seen = {
            number: version
            for number, version in seen.items()
            if newest is None or time_of(version) >= newest - 2 * _SLACK
        }
        return sent

    def has_settled(self, task: Task) -> bool:
        """Whether the pool knows what this version of a task says, or no longer says."""
        if self._since is None:
            return False
        changed = time_of(task["updated_at"])
        return changed <= self._since - _SLACK or self._seen.get(task["id"]) == task["updated_at"]

    def _is_ours(self, task: Task) -> bool:
        batch = str(origin_of(task).get("batch", ""))
        return batch.startswith(f"pools/{self._pool}/batches/")

    def _settle_all(self, tasks: Sequence[Task], everything: InForce | None) -> int:
        if not tasks:
            return 0
        users, sent = self._project.users(), 0
        for task in tasks:
            item = str(origin_of(task)["item"])
            events = everything
            if events is None:
                name = child(self._pool, "items", item)
                events = _in_force(self._client.list_label_events(self._pool, item=name))
            sent += self._settle(task, events.get(item, {}), users)
        return sent

    def _settle(
        self, task: Task, in_force: Mapping[str, pb.LabelEvent], users: frozenset[str]
    ) -> int:
        said = annotations_of(task, self._project.user_names())
        sent = 0
        for annotation in said:
            before = in_force.get(annotation.answered.annotator)
            if before is None or before.answer != annotation.answered.answer:
                sent += self._submit(annotation)
        present = {annotation.answered.annotator for annotation in said}
        for annotator in in_force.keys() & users - present:
            if _was_deleted(task, in_force[annotator]):
                sent += self._retract(in_force[annotator])
        return sent

    def _submit(self, annotation: Annotation) -> int:
        result = self._send(annotation, annotation.answered.batch)
        if result.reason in _BATCH_IS_ANOTHER:
            result = self._send(annotation, "")
        if result.event:
            return int(not result.message)
        _log.warning(
            "Label Studio's annotation was refused",
            extra={"annotation": annotation.id, "reason": result.reason, "why": result.message},
        )
        return 0

    def _send(self, annotation: Annotation, batch: str) -> pb.LabelResult:
        answered = annotation.answered
        label = pb.LabelInput(
            item=child(self._pool, "items", answered.item),
            answer=answered.answer,
            annotator=answered.annotator,
            batch=batch,
        )
        key = f"{self._project.identity} {annotation.id} {annotation.updated}".encode()
        content = label.SerializeToString(deterministic=True)
        request_id = f"label-studio-{hashlib.sha256(key + b' ' + content).hexdigest()}"
        return self._client.submit_labels(self._pool, [label], request_id=request_id).results[0]

    def _retract(self, event: pb.LabelEvent) -> int:
        request_id = f"label-studio-{hashlib.sha256(event.name.encode()).hexdigest()}"
        try:
            self._client.retract_label(event.item, event.annotator, request_id=request_id)
        except NotFoundError:
            return 0  # somebody was quicker
        return 1


def _was_deleted(task: Task, event: pb.LabelEvent) -> bool:
    """Whether an answer that the task has no annotation for was one of this task.

    Not one that its annotator has given elsewhere, while nothing happened to the task. And a user
    who may not see the annotations of others does not take them back.
    """
    counted = task["total_annotations"] + task["cancelled_annotations"]
    since = event.create_time.ToDatetime(UTC) - _CLOCKS
    return (
        event.batch == origin_of(task)["batch"]
        and counted == len(task["annotations"])
        and time_of(task["updated_at"]) > since
    )


def _in_force(events: Iterable[pb.LabelEvent]) -> InForce:
    found: InForce = {}
    for event in events:
        of_item = found.setdefault(item_id(event.item), {})
        if event.retracts:
            of_item.pop(event.annotator, None)
        else:
            of_item[event.annotator] = event
    return found
