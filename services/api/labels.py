"""`LabelService`: record answers, take them back, and list events and conflicts."""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence

from poolscore.access.caller import current_caller
from poolscore.errors import (
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from poolscore.labels.answer import MAX_STREAMED, LabelInput, LabelResult
from poolscore.store import conflicts, label_events, pools, record_labels, retract_label
from poolscore.store.due_training import queue_due_training
from poolscore.store.records import LabelEvent, RunKind
from poolscore.v1 import label_service_pb2 as pb
from services.api import convert_items, names
from services.api.backend import Backend
from services.api.request_rules import check_request
from services.metrics import count_labels

_REFUSALS = (InvalidInputError, NotFoundError, FailedPreconditionError, PermissionDeniedError)


class LabelApi:
    """Implements `poolscore.v1.LabelService`."""

    backend: Backend

    def SubmitLabels(self, request: pb.SubmitLabelsRequest) -> pb.SubmitLabelsResponse:
        """Record answers; a bad one is refused with a reason and never loses the others."""
        pool_id = names.parse_pool(request.parent, "parent")
        results = self._record(pool_id, request.labels, request.request_id)
        self._train_when_due(pool_id)
        accepted = sum(result.accepted for result in results)
        return pb.SubmitLabelsResponse(
            results=[convert_items.label_result(pool_id, result) for result in results],
            accepted=accepted,
            refused=len(results) - accepted,
        )

    async def StreamLabels(
        self, requests: AsyncIterator[pb.StreamLabelsRequest]
    ) -> pb.StreamLabelsResponse:
        """Record one answer a message; each is durable before the next one is read.

        Stops after so many that the results fit into a message.
        """
        response = pb.StreamLabelsResponse()
        touched: set[str] = set()
        try:
            async for request in requests:
                result = await asyncio.to_thread(self._record_streamed, request, touched)
                response.results.append(result)
                if result.event:
                    response.accepted += 1
                else:
                    response.refused += 1
                if len(response.results) == MAX_STREAMED:
                    break
        finally:  # what was recorded before a stream broke counts too
            for pool_id in touched:
                await asyncio.to_thread(self._train_when_due, pool_id)
        return response

    def ListLabelEvents(self, request: pb.ListLabelEventsRequest) -> pb.ListLabelEventsResponse:
        """List label events in the order they were recorded."""
        pool_id = names.parse_pool(request.parent, "parent")
        item_id = _item(request.item, pool_id) if request.item else ""
        page, token = label_events.list_label_events(
            self.backend.catalog,
            pool_id,
            request.page_size,
            request.page_token,
            item_id=item_id,
            annotator=request.annotator,
        )
        return pb.ListLabelEventsResponse(
            events=[self._event(event) for event in page], next_page_token=token
        )

    def ListConflicts(self, request: pb.ListConflictsRequest) -> pb.ListConflictsResponse:
        """List the items on which annotators disagree, with what each of them says."""
        pool_id = names.parse_pool(request.parent, "parent")
        page, token = conflicts.list_conflicts(
            self.backend.catalog, pool_id, request.page_size, request.page_token
        )
        return pb.ListConflictsResponse(
            conflicts=[
                pb.Conflict(
                    item=names.child_name(pool_id, names.ITEMS, conflict.item_id),
                    answers=[self._event(event) for event in conflict.answers],
                )
                for conflict in page
            ],
            next_page_token=token,
        )

    def RetractLabel(self, request: pb.RetractLabelRequest) -> pb.RetractLabelResponse:
        """Take an annotator's answer to an item back."""
        pool_id, item_id = names.parse_child(request.item, names.ITEMS, "item")
        event = retract_label.retract_label(
            self.backend.catalog, pool_id, item_id, request.annotator, request.request_id or None
        )
        count_labels([("retraction", True)])
        return pb.RetractLabelResponse(event=self._event(event))

    def _event(self, event: LabelEvent) -> pb.LabelEvent:
        version = event.prompt_version
        classes = () if version is None else self.backend.classes_of(event.pool_id, version)
        return convert_items.label_event(event, classes)

    def _train_when_due(self, pool_id: str) -> None:
        if queue_due_training(self.backend.catalog, pool_id) is not None:
            self.backend.wake(RunKind.TRAIN)

    def _record_streamed(
        self, request: pb.StreamLabelsRequest, touched: set[str]
    ) -> pb.LabelResult:
        try:
            pool_id = names.parse_pool(request.parent, "parent")
            current_caller().check_pool(pool_id)
            check_request(request)
            result = self._record(pool_id, [request.label], request.request_id)[0]
        except _REFUSALS as error:
            return pb.LabelResult(reason=error.reason, message=error.message)
        if result.accepted:
            touched.add(pool_id)
        return convert_items.label_result(pool_id, result)

    def _record(
        self, pool_id: str, messages: Sequence[pb.LabelInput], request_id: str
    ) -> list[LabelResult]:
        """Record what can be read; results are in the order of the messages."""
        read = [_read(message, pool_id) for message in messages]
        inputs = [entry for entry in read if isinstance(entry, LabelInput)]
        recorded: list[LabelResult] = []
        if not inputs:
            pools.check_pool(self.backend.catalog, pool_id)
        if inputs or not messages:  # none at all is for the catalog to refuse
            recorded = record_labels.record_labels(
                self.backend.catalog,
                pool_id,
                inputs,
                request_id or None,
                known_items=functools.partial(self.backend.items.known, pool_id),
            )
        results = iter(recorded)
        all_results = [next(results) if isinstance(each, LabelInput) else each for each in read]
        kinds = [message.answer.WhichOneof("kind") or "none" for message in messages]
        count_labels(zip(kinds, (result.accepted for result in all_results), strict=True))
        return all_results


def _item(name: str, pool_id: str) -> str:
    item_pool, item_id = names.parse_child(name, names.ITEMS, "item")
    names.check_same_pool(item_pool, pool_id, "item")
    return item_id


def _read(message: pb.LabelInput, pool_id: str) -> LabelInput | LabelResult:
    try:
        check_request(message)
        return convert_items.label_input(message, pool_id)
    except InvalidInputError as error:
        return LabelResult(event=None, reason=error.reason, message=error.message)
