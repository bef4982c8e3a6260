"""`RunService`: queue, read, cancel and watch runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pipelines.embed_spec import embed_spec, named_pool
from pipelines.sources.credentials import refuse_credentials
from pipelines.sources.roots import SourceRoots
from poolscore.access.caller import current_caller
from poolscore.neighbours.limits import NEIGHBOURS
from poolscore.store import prompt_versions, runs
from poolscore.store.pool_rules import check_strategy
from poolscore.store.records import Run, RunKind
from poolscore.v1 import run_service_pb2 as pb
from services.api import convert, names
from services.api.backend import Backend

_WATCH_INTERVAL_S = 0.2


class RunApi:
    """Implements `poolscore.v1.RunService`."""

    backend: Backend

    def StartRun(self, request: pb.StartRunRequest) -> pb.StartRunResponse:
        """Queue a run and wake its worker."""
        pool_id = names.parse_pool(request.parent, "parent")
        kind, spec = self._read_spec(pool_id, request.spec)
        run = runs.start_run(self.backend.catalog, pool_id, kind, spec, request.request_id or None)
        self.backend.wake(kind)
        return pb.StartRunResponse(run=convert.run(run))

    def GetRun(self, request: pb.GetRunRequest) -> pb.GetRunResponse:
        """Return a run with its progress."""
        pool_id, number = names.parse_numbered(request.name, names.RUNS)
        run = runs.get_run(self.backend.catalog, pool_id, number)
        return pb.GetRunResponse(run=convert.run(run))

    def ListRuns(self, request: pb.ListRunsRequest) -> pb.ListRunsResponse:
        """List the runs of a pool, newest first."""
        pool_id = names.parse_pool(request.parent, "parent")
        page, token = runs.list_runs(
            self.backend.catalog, pool_id, request.page_size, request.page_token
        )
        return pb.ListRunsResponse(runs=[convert.run(run) for run in page], next_page_token=token)

    def CancelRun(self, request: pb.CancelRunRequest) -> pb.CancelRunResponse:
        """Ask a run to stop."""
        pool_id, number = names.parse_numbered(request.name, names.RUNS)
        run = runs.cancel_run(self.backend.catalog, pool_id, number)
        return pb.CancelRunResponse(run=convert.run(run))

    async def WatchRun(self, request: pb.WatchRunRequest) -> AsyncIterator[pb.WatchRunResponse]:
        """Yield the run at every change after `after_sequence`, until it has ended."""
        pool_id, number = names.parse_numbered(request.name, names.RUNS)
        seen = request.after_sequence
        while True:
            run = await asyncio.to_thread(runs.get_run, self.backend.catalog, pool_id, number)
            if run.sequence > seen:
                seen = run.sequence
                yield pb.WatchRunResponse(run=convert.run(run))
            if run.state.ended:
                return
            # Any process may write the run, so that the catalog is the only place to ask.
            await asyncio.sleep(_WATCH_INTERVAL_S)

    def _read_spec(self, pool_id: str, spec: pb.RunSpec) -> tuple[RunKind, Mapping[str, Any]]:
        match spec.WhichOneof("kind"):
            case "embed":
                return RunKind.EMBED, _embed_spec(spec.embed, self.backend.roots)
            case "rescore":
                return RunKind.RESCORE, self._rescore_spec(pool_id, spec.rescore)
            case "train":
                self.backend.embedded_pool(pool_id)
                return RunKind.TRAIN, {}
            case "neighbours":
                self.backend.embedded_pool(pool_id)
                return RunKind.NEIGHBOURS, {"k": spec.neighbours.k or NEIGHBOURS}
            case _:
                raise AssertionError("unreachable: the contract requires one of them")

    def _rescore_spec(self, pool_id: str, spec: pb.RescoreSpec) -> dict[str, str]:
        pool = self.backend.embedded_pool(pool_id)
        fields: dict[str, str] = {}
        if spec.strategy:
            check_strategy(spec.strategy)
            fields["strategy"] = spec.strategy
        if spec.prompt_version:
            parent, number = names.parse_numbered(
                spec.prompt_version, names.PROMPT_VERSIONS, "spec.rescore.prompt_version"
            )
            names.check_same_pool(parent, pool_id, "spec.rescore.prompt_version")
            version = prompt_versions.get_prompt_version(self.backend.catalog, pool_id, number)
            prompt_versions.check_classes(version, pool.classes)
            fields["prompt_version"] = spec.prompt_version
        return fields


def _embed_spec(spec: pb.EmbedSpec, roots: SourceRoots) -> dict[str, Any]:
    shared = named_pool(spec.sources)
    if shared is not None:
        current_caller().check_pool(shared)
    for source in spec.sources if shared is None else ():
        refuse_credentials(source)
        roots.check(source)
    return embed_spec(spec.sources, spec.prune)


def queue_training(backend: Backend, pool_id: str, request_id: str | None) -> Run:
    """Queue a training run over all effective labels of an embedded pool and wake the trainer."""
    backend.embedded_pool(pool_id)
    run = runs.start_run(backend.catalog, pool_id, RunKind.TRAIN, {}, request_id)
    backend.wake(RunKind.TRAIN)
    return run
