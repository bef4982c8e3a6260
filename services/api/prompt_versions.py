"""`PromptVersionService`: history of the learned prompts, and which is active."""

import asyncio
from collections.abc import AsyncIterator

from poolscore.errors import FailedPreconditionError
from poolscore.store import pools, prompt_versions, rankings, sql
from poolscore.store.ranking_diff import ranking_diff
from poolscore.store.records import Active, PromptVersion
from poolscore.v1 import prompt_version_service_pb2 as pb
from services.api import convert, convert_diff, names
from services.api.backend import Backend
from services.api.runs import queue_training

_WATCH_INTERVAL_S = 0.5
_DEFAULT_CHANGES = 20


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
        active = pools.get_active(self.backend.catalog, pool_id)
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

        A version whose promotion was refused is activated all the same. Raises
        FailedPreconditionError (NO_RANKING) for one that has not ranked the active snapshot.
        """
        pool_id, number = names.parse_numbered(request.name, names.PROMPT_VERSIONS)
        catalog = self.backend.catalog
        prompt_versions.get_prompt_version(catalog, pool_id, number)
        snapshot = pools.get_active(catalog, pool_id).snapshot
        ranking = rankings.latest_ranking_of(catalog, pool_id, number, snapshot)
        if ranking is None:
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
        """Yield the active version now and whenever it or its ranking is switched.

        With a resume token only from the next switch on.
        """
        pool_id = names.parse_pool(request.parent, "parent")
        scope = "switches", pool_id
        seen = sql.read_token(request.resume_token, *scope)
        while True:
            active = await asyncio.to_thread(pools.get_active, self.backend.catalog, pool_id)
            state = _state(active)
            if active.prompt_version is not None and state != seen:
                seen = state
                message = await asyncio.to_thread(self._of, pool_id, active.prompt_version, active)
                token = sql.write_token(state, *scope)
                yield pb.WatchPromptVersionsResponse(prompt_version=message, resume_token=token)
            await asyncio.sleep(_WATCH_INTERVAL_S)

    def DiffPromptVersions(
        self, request: pb.DiffPromptVersionsRequest
    ) -> pb.DiffPromptVersionsResponse:
        """Compare the stored rankings of two versions."""
        pool_id, before = names.parse_numbered(request.name, names.PROMPT_VERSIONS)
        other_pool, after = names.parse_numbered(request.other, names.PROMPT_VERSIONS, "other")
        names.check_same_pool(other_pool, pool_id, "other")
        limit = request.limit or _DEFAULT_CHANGES
        catalog = self.backend.catalog
        for number in (before, after):
            prompt_versions.get_prompt_version(catalog, pool_id, number)
        found = rankings.common_rankings(catalog, pool_id, before, after)
        if found is None:
            raise FailedPreconditionError(
                f"prompt versions {before} and {after} of pool '{pool_id}' have ranked no snapshot "
                "in common; start a rescore run with the older one",
                reason="NO_COMMON_SNAPSHOT",
            )
        was, now = (self.backend.rankings.named(pool_id, each.number) for each in found)
        classes = was.classes, now.classes
        diff = ranking_diff(was.ranking, now.ranking, limit, classes)
        return convert_diff.response(found, classes, diff)

    def _get(self, pool_id: str, number: int) -> pb.PromptVersion:
        return self._of(pool_id, number, pools.get_active(self.backend.catalog, pool_id))

    def _of(self, pool_id: str, number: int, active: Active) -> pb.PromptVersion:
        version = prompt_versions.get_prompt_version(self.backend.catalog, pool_id, number)
        return self._message(version, active)

    def _message(self, version: PromptVersion, active: Active) -> pb.PromptVersion:
        is_active = version.number == active.prompt_version
        ranking = active.ranking if is_active else self._newest_ranking(version)
        return convert.prompt_version(version, active=is_active, ranking=ranking)

    def _newest_ranking(self, version: PromptVersion) -> int | None:
        found = rankings.latest_ranking_of(self.backend.catalog, version.pool_id, version.number)
        return None if found is None else found.number


def _state(active: Active) -> str:
    """What a watcher has seen: equal as long as nothing is switched."""
    return f"{active.prompt_version}.{active.ranking}"
