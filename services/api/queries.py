"""`QueryService`: lease batches from rankings, and read rankings."""

import asyncio
from collections.abc import AsyncIterator

from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.store import batches, leases
from poolscore.store.free_ranks import focus_of
from poolscore.store.records import Batch
from poolscore.v1 import query_service_pb2 as pb
from services.api import convert_items, names, ranking_token, validation
from services.api.backend import Backend
from services.metrics import count_lease

_SWITCH_RETRIES = 3
_CHUNK = 500


class QueryApi:
    """Implements `poolscore.v1.QueryService`."""

    backend: Backend

    def LeaseBatch(self, request: pb.LeaseBatchRequest) -> pb.LeaseBatchResponse:
        """Lease the best items of the ranking that are neither leased nor answered."""
        pool_id = names.parse_pool(request.parent, "parent")
        duration = validation.lease_duration(
            request.lease_duration, is_set=request.HasField("lease_duration")
        )
        try:
            chosen = self.backend.rankings.last(pool_id, request.strategy)
        except FailedPreconditionError:
            # A retry of a lease is answered also when its strategy has no ranking any more.
            earlier = self._leased_before(pool_id, request)
            if earlier is None:
                raise
            return pb.LeaseBatchResponse(batch=self._batch(earlier))
        for attempt in range(_SWITCH_RETRIES):
            try:
                batch = leases.lease_batch(
                    self.backend.catalog,
                    pool_id,
                    request.size,
                    request.annotator,
                    duration,
                    request.request_id or None,
                    chosen.ranking,
                    strategy=request.strategy,
                    classes=request.classes,
                )
                count_lease(len(batch.items))
                return pb.LeaseBatchResponse(batch=self._batch(batch))
            except AbortedError as error:
                if error.reason != "RANKING_SWITCHED" or attempt == _SWITCH_RETRIES - 1:
                    raise
                chosen = self.backend.rankings.current(pool_id, request.strategy)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _leased_before(self, pool_id: str, request: pb.LeaseBatchRequest) -> Batch | None:
        if not request.request_id:
            return None
        return leases.leased_before(
            self.backend.catalog,
            pool_id,
            request.size,
            request.annotator,
            request.request_id,
            strategy=request.strategy,
            classes=request.classes,
        )

    def GetBatch(self, request: pb.GetBatchRequest) -> pb.GetBatchResponse:
        """Return a batch with the state of its items."""
        pool_id, number = names.parse_numbered(request.name, names.BATCHES)
        batch = batches.get_batch(self.backend.catalog, pool_id, number)
        return pb.GetBatchResponse(batch=self._batch(batch))

    def ExtendBatch(self, request: pb.ExtendBatchRequest) -> pb.ExtendBatchResponse:
        """Move the deadline of an open batch to `lease_duration` from now."""
        pool_id, number = names.parse_numbered(request.name, names.BATCHES)
        duration = validation.lease_duration(
            request.lease_duration, is_set=request.HasField("lease_duration")
        )
        batch = batches.extend_batch(self.backend.catalog, pool_id, number, duration)
        return pb.ExtendBatchResponse(batch=self._batch(batch))

    def ReleaseBatch(self, request: pb.ReleaseBatchRequest) -> pb.ReleaseBatchResponse:
        """Give the items that are still open back."""
        pool_id, number = names.parse_numbered(request.name, names.BATCHES)
        batch, released = batches.release_batch(self.backend.catalog, pool_id, number)
        return pb.ReleaseBatchResponse(batch=self._batch(batch), released=released)

    async def StreamRanking(
        self, request: pb.StreamRankingRequest
    ) -> AsyncIterator[pb.StreamRankingResponse]:
        """Yield rows of a ranking in chunks, all of one ranking; at least one chunk."""
        chosen = await asyncio.to_thread(self.backend.ranking_named, request.name)
        ranking, pool_id = chosen.ranking, chosen.ranking.record.pool_id
        start = ranking_token.read(request.page_token, ranking.record, request.classes)
        focus = focus_of(request.classes, chosen.classes)
        ranks = await asyncio.to_thread(ranking.ranks_from, start, focus)
        stop = min(request.limit or len(ranks), len(ranks))
        for first in range(0, max(stop, 1), _CHUNK):
            part = ranks[first : min(first + _CHUNK, stop)]
            items = await asyncio.to_thread(ranking.items, part)
            is_more = first + len(part) < len(ranks)
            yield pb.StreamRankingResponse(
                items=[convert_items.ranked_item(pool_id, chosen.classes, item) for item in items],
                ranking=ranking.record.name,
                prompt_version=names.child_name(
                    pool_id, names.PROMPT_VERSIONS, ranking.record.prompt_version
                ),
                next_page_token=ranking_token.write(ranking.record, request.classes, part[-1])
                if is_more
                else "",
            )

    def _batch(self, batch: Batch) -> pb.Batch:
        classes = self.backend.classes_of(batch.pool_id, batch.prompt_version)
        return convert_items.batch(batch, classes)
