"""`LabelService`: record answers and list the events."""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence

from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.labels.answer import LabelInput, LabelResult
from poolscore.store import label_events, pools, record_labels
from poolscore.store.records import RunKind
from poolscore.v1 import label_service_pb2 as pb
from services.api import convert_items, names
from services.api.backend import Backend
from services.auto_train import train_when_due

_REFUSALS = (InvalidInputError, NotFoundError, FailedPreconditionError)


class LabelApi:
    """Implements `poolscore.v1.LabelService`."""

    backend: Backend

    def SubmitLabels(self, request: pb.SubmitLabelsRequest) -> pb.SubmitLabelsResponse:
        """Record answers; a bad one is refused with a reason and never loses the others."""
        pool_id = names.parse_pool(request.parent, "parent")
        pools.get_pool(self.backend.catalog, pool_id)
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
        """Record one answer a message; each is durable before the next one is read."""
        response = pb.StreamLabelsResponse()
        touched: set[str] = set()
        async for request in requests:
            result = await asyncio.to_thread(self._record_streamed, request, touched)
            response.results.append(result)
            if result.event:
                response.accepted += 1
            else:
                response.refused += 1
        for pool_id in touched:
            await asyncio.to_thread(self._train_when_due, pool_id)
        return response

    def ListLabelEvents(self, request: pb.ListLabelEventsRequest) -> pb.ListLabelEventsResponse:
        """List label events in the order they were recorded."""
        pool_id = names.parse_pool(request.parent, "parent")
        classes = pools.get_pool(self.backend.catalog, pool_id).classes
        page, token = label_events.list_label_events(
            self.backend.catalog, pool_id, request.page_size, request.page_token
        )
        return pb.ListLabelEventsResponse(
            events=[convert_items.label_event(event, classes) for event in page],
            next_page_token=token,
        )

    def _train_when_due(self, pool_id: str) -> None:
        if train_when_due(self.backend.catalog, pool_id):
            self.backend.wake(RunKind.TRAIN)

    def _record_streamed(
        self, request: pb.StreamLabelsRequest, touched: set[str]
    ) -> pb.LabelResult:
        try:
            pool_id = names.parse_pool(request.parent, "parent")
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
        if inputs or not messages:  # none at all is for the catalog to refuse
            recorded = record_labels.record_labels(
                self.backend.catalog,
                pool_id,
                inputs,
                request_id or None,
                known_items=functools.partial(self.backend.items.known, pool_id),
            )
        results = iter(recorded)
        return [next(results) if isinstance(entry, LabelInput) else entry for entry in read]


def _read(message: pb.LabelInput, pool_id: str) -> LabelInput | LabelResult:
    try:
        return convert_items.label_input(message, pool_id)
    except InvalidInputError as error:
        return LabelResult(event=None, reason=error.reason, message=error.message)
