"""`QueryService`: lease batches from the active ranking, and read rankings."""

import asyncio
from collections.abc import AsyncIterator

from poolscore.errors import AbortedError, InvalidInputError
from poolscore.store import batches, leases, pools
from poolscore.store.records import Batch
from poolscore.v1 import query_service_pb2 as pb
from services.api import convert_items, names, validation
from services.api.backend import Backend
from services.api.ranking_cache import ActiveRanking

_SWITCH_RETRIES = 3
_CHUNK = 500


class QueryApi:
    """Implements `poolscore.v1.QueryService`."""

    backend: Backend

    def LeaseBatch(self, request: pb.LeaseBatchRequest) -> pb.LeaseBatchResponse:
        """Lease the best items of the active ranking that are neither leased nor answered."""
        pool_id = names.parse_pool(request.parent, "parent")
        duration = validation.lease_duration(
            request.lease_duration, is_set=request.HasField("lease_duration")
        )
        active = self.backend.rankings.last_active(pool_id)
        for attempt in range(_SWITCH_RETRIES):
            try:
                batch = leases.lease_batch(
                    self.backend.catalog,
                    pool_id,
                    request.size,
                    request.annotator,
                    duration,
                    request.request_id or None,
                    active.ranking,
                )
                return pb.LeaseBatchResponse(batch=convert_items.batch(batch, active.classes))
            except AbortedError as error:
                if error.reason != "RANKING_SWITCHED" or attempt == _SWITCH_RETRIES - 1:
                    raise
                active = self.backend.rankings.active(pool_id)
        raise AssertionError("unreachable: the last attempt returns or raises")

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
        """Yield a ranking from the top in chunks, all of one ranking."""
        if request.limit < 0:
            raise InvalidInputError(
                f"limit is {request.limit}; it must not be negative", reason="INVALID_LIMIT"
            )
        chosen = await asyncio.to_thread(self._named_ranking, request.name)
        ranking, pool_id = chosen.ranking, chosen.ranking.record.pool_id
        stop = min(request.limit or len(ranking), len(ranking))
        for start in range(0, stop, _CHUNK):
            items = await asyncio.to_thread(ranking.items, range(start, min(start + _CHUNK, stop)))
            yield pb.StreamRankingResponse(
                items=[convert_items.ranked_item(pool_id, chosen.classes, item) for item in items],
                ranking=ranking.record.name,
                prompt_version=names.child_name(
                    pool_id, names.PROMPT_VERSIONS, ranking.record.prompt_version
                ),
            )

    def _named_ranking(self, name: str) -> ActiveRanking:
        pool_id, child = names.parse_child(name, names.RANKINGS)
        if child == names.ACTIVE:
            return self.backend.rankings.active(pool_id)
        pool_id, number = names.parse_numbered(name, names.RANKINGS)
        classes = pools.get_pool(self.backend.catalog, pool_id).classes
        return ActiveRanking(classes, self.backend.rankings.get(pool_id, number))

    def _batch(self, batch: Batch) -> pb.Batch:
        classes = pools.get_pool(self.backend.catalog, batch.pool_id).classes
        return convert_items.batch(batch, classes)
