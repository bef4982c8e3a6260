"""The methods of `QueryService` that ask a worker: why an item, and what another strategy would do.

They hold no thread while they wait, so that leases go on.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.item_evidence import ItemEvidence, Reject
from poolscore.store.free_ranks import check_size
from poolscore.store.in_force import standing_answers
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.records import PromptVersion, RankedItem
from poolscore.store.standing import ItemState, Standing, item_standing
from poolscore.v1 import query_service_pb2 as pb
from services.api import convert_explanation, convert_items, names
from services.api.backend import Backend
from services.api.ranking_cache import ActiveRanking

_DEFAULT_SIZE = 10


@dataclass(frozen=True)
class _Stands:
    chosen: ActiveRanking
    version: PromptVersion
    standing: Standing
    row: RankedItem | None
    """Of the ranking; None: it has none."""


class ExplanationApi:
    """Implements the rest of `poolscore.v1.QueryService`."""

    backend: Backend

    async def ExplainItem(self, request: pb.ExplainItemRequest) -> pb.ExplainItemResponse:
        """Say why an item stands where it stands, from one ranking."""
        pool_id, item_id = names.parse_child(request.name, names.ITEMS)
        size = request.size or _DEFAULT_SIZE
        stands = await asyncio.to_thread(self._stands, pool_id, item_id, request.ranking, size)
        record = stands.chosen.ranking.record
        found = await self.backend.questions.item_evidence(
            pool_id,
            record.snapshot,
            record.prompt_version,
            item_id,
            None if stands.row is None else stands.row.prediction.predicted,
        )
        place, note = await asyncio.to_thread(self._place, item_id, stands, found)
        ranking = stands.chosen.ranking
        cut = next(iter(ranking.items(stands.standing.next_ranks[-1:])), None)
        response = pb.ExplainItemResponse(
            ranking=record.name,
            prompt_version=stands.version.name,
            place=place,
            note=note,
            cut=convert_explanation.cut(stands.standing, cut),
            state=convert_explanation.STATES[stands.standing.state],
            batch=names.child_name(pool_id, names.BATCHES, stands.standing.batch),
            label_event=names.child_name(pool_id, names.LABEL_EVENTS, stands.standing.label_event),
            provenance=convert_explanation.provenance(record, stands.version),
        )
        convert_explanation.fill(
            response, pool_id, item_id, stands.chosen.classes, record.strategy, stands.row, found
        )
        return response

    async def PreviewBatch(self, request: pb.PreviewBatchRequest) -> pb.PreviewBatchResponse:
        """Show what a rescore with a strategy, and a lease from it, would give."""
        pool_id = names.parse_pool(request.parent, "parent")
        check_size(request.size)
        await asyncio.to_thread(self.backend.embedded_pool, pool_id)
        preview = await self.backend.questions.preview(
            pool_id, request.size, request.strategy, list(request.classes)
        )
        return pb.PreviewBatchResponse(
            items=[
                convert_items.ranked_item(pool_id, preview.classes, item) for item in preview.items
            ],
            prompt_version=names.child_name(pool_id, names.PROMPT_VERSIONS, preview.prompt_version),
            snapshot=names.child_name(pool_id, names.SNAPSHOTS, preview.snapshot),
            strategy=preview.strategy,
            parameters={key: str(value) for key, value in preview.parameters.items()},
            seed=preview.seed,
            ranking=names.child_name(pool_id, names.RANKINGS, preview.ranking),
        )

    def _stands(self, pool_id: str, item_id: str, name: str, size: int) -> _Stands:
        named = name or names.child_name(pool_id, names.RANKINGS, names.ACTIVE)
        # First: whether another pool has such a ranking is not for a token of this one to learn.
        ranking_pool, _ = names.parse_child(named, names.RANKINGS, "ranking")
        names.check_same_pool(ranking_pool, pool_id, "ranking")
        chosen = self.backend.ranking_named(named, "ranking")
        ranking = chosen.ranking
        version = get_prompt_version(self.backend.catalog, pool_id, ranking.record.prompt_version)
        standing = item_standing(self.backend.catalog, ranking, item_id, size)
        row = None if standing.rank is None else ranking.items([standing.rank])[0]
        return _Stands(chosen, version, standing, row)

    def _place(
        self, item_id: str, stands: _Stands, found: ItemEvidence | Reject
    ) -> "tuple[pb.ItemPlace.ValueType, str]":
        ranking = stands.chosen.ranking
        if stands.row is not None:
            return pb.ITEM_PLACE_RANKED, f"rank {stands.row.rank:,} of {len(ranking):,}"
        if isinstance(found, Reject):
            why = f"{found.reason}, {found.detail}" if found.detail else found.reason
            return pb.ITEM_PLACE_REJECTED, f"it could not be embedded: {why}"
        if stands.standing.state is ItemState.ANSWERED:
            return pb.ITEM_PLACE_ANSWERED, "it has been answered"
        others = [each for each in found.near_duplicates if each != item_id]
        stand_in = self._stand_in(others, stands)
        if stand_in:
            return pb.ITEM_PLACE_DUPLICATE, f"it shows the same photograph as item {stand_in}"
        most = ranking.record.parameters.get("size", len(ranking))
        if len(ranking) < most:
            # What is open and has no place was not open then, and nothing else keeps a row away.
            return pb.ITEM_PLACE_ANSWERED, "it was answered when the ranking was made"
        return pb.ITEM_PLACE_BELOW, f"the {len(ranking):,} items of the ranking stand before it"

    def _stand_in(self, others: Sequence[str], stands: _Stands) -> str:
        ranking = stands.chosen.ranking
        for each in others:
            rank = ranking.rank_of(each)
            if rank is not None:
                return f"'{each}', which stands for it at rank {rank:,}"
        with self.backend.catalog.read() as connection:
            answered = standing_answers(connection, ranking.record.pool_id, others)
        first = min((item for item, _ in answered), default=None)
        return f"'{first}', which is answered" if first else ""
