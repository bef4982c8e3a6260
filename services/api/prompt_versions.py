"""`PromptVersionService`: history of the learned prompts, and which is active."""

import asyncio
from collections.abc import AsyncIterator

from poolscore.errors import FailedPreconditionError
from poolscore.store import pools, prompt_versions, rankings
from poolscore.store.records import PromptVersion
from poolscore.v1 import prompt_version_service_pb2 as pb
from services.api import convert, names
from services.api.backend import Backend
from services.api.runs import queue_training

_WATCH_INTERVAL_S = 0.5


class PromptVersionApi:
    """Implements `poolscore.v1.PromptVersionService`."""

    backend: Backend

    def ListPromptVersions(
        self, request: pb.ListPromptVersionsRequest
    ) -> pb.ListPromptVersionsResponse:
        """List the versions of a pool, newest first."""
        pool_id = names.parse_pool(request.parent, "parent")
        page, token = prompt_versions.list_prompt_versions(
            self.backend.catalog, pool_id, request.page_size, request.page_token
        )
        active = pools.get_pool(self.backend.catalog, pool_id).active_prompt_version
        return pb.ListPromptVersionsResponse(
            prompt_versions=[self._message(version, active) for version in page],
            next_page_token=token,
        )

    def GetPromptVersion(self, request: pb.GetPromptVersionRequest) -> pb.GetPromptVersionResponse:
        """Return one version."""
        pool_id, number = names.parse_numbered(request.name, names.PROMPT_VERSIONS)
        return pb.GetPromptVersionResponse(prompt_version=self._get(pool_id, number))

    def ActivatePromptVersion(
        self, request: pb.ActivatePromptVersionRequest
    ) -> pb.ActivatePromptVersionResponse:
        """Make a version and the newest ranking it has produced active; nothing is recomputed.

        Raises FailedPreconditionError (NO_RANKING) for a version that has not ranked the active
        snapshot.
        """
        pool_id, number = names.parse_numbered(request.name, names.PROMPT_VERSIONS)
        catalog = self.backend.catalog
        prompt_versions.get_prompt_version(catalog, pool_id, number)
        ranking = rankings.latest_ranking_of(catalog, pool_id, number)
        snapshot = pools.get_pool(catalog, pool_id).active_snapshot
        if ranking is None or ranking.snapshot != snapshot:
            raise FailedPreconditionError(
                f"{request.name} has no ranking of the active snapshot; start a rescore run with "
                "it",
                reason="NO_RANKING",
                prompt_version=request.name,
            )
        rankings.activate(catalog, pool_id, ranking.snapshot, number, ranking.number)
        return pb.ActivatePromptVersionResponse(prompt_version=self._get(pool_id, number))

    def TrainPromptVersion(
        self, request: pb.TrainPromptVersionRequest
    ) -> pb.TrainPromptVersionResponse:
        """Queue a training run."""
        pool_id = names.parse_pool(request.parent, "parent")
        run = queue_training(self.backend, pool_id, request.request_id or None)
        return pb.TrainPromptVersionResponse(run=convert.run(run))

    async def WatchPromptVersions(
        self, request: pb.WatchPromptVersionsRequest
    ) -> AsyncIterator[pb.WatchPromptVersionsResponse]:
        """Yield the active version now and whenever it or its ranking is switched."""
        pool_id = names.parse_pool(request.parent, "parent")
        seen: tuple[int, int | None] | None = None
        while True:
            pool = await asyncio.to_thread(pools.get_pool, self.backend.catalog, pool_id)
            version = pool.active_prompt_version
            if version is not None and (version, pool.active_ranking) != seen:
                seen = (version, pool.active_ranking)
                message = await asyncio.to_thread(self._get, pool_id, version)
                yield pb.WatchPromptVersionsResponse(prompt_version=message)
            await asyncio.sleep(_WATCH_INTERVAL_S)

    def _get(self, pool_id: str, number: int) -> pb.PromptVersion:
        version = prompt_versions.get_prompt_version(self.backend.catalog, pool_id, number)
        active = pools.get_pool(self.backend.catalog, pool_id).active_prompt_version
        return self._message(version, active)

    def _message(self, version: PromptVersion, active: int | None) -> pb.PromptVersion:
        ranking = rankings.latest_ranking_of(self.backend.catalog, version.pool_id, version.number)
        return convert.prompt_version(
            version,
            active=version.number == active,
            ranking=None if ranking is None else ranking.number,
        )
