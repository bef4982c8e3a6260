"""A small typed client of the gRPC API.

Messages are those of the contract (`poolscore.v1`). Every unary call has a deadline, calls that are
safe to repeat are retried while the server is unavailable, watches go on after a lost connection,
and errors are those of `poolscore.errors`.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from time import monotonic, sleep
from types import TracebackType
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from poolscore.address import is_loopback
from poolscore.bearer import with_token
from poolscore.calls import errors_of, retrying
from poolscore.config import Settings
from poolscore.connection import parse_connection
from poolscore.errors import UnavailableError
from poolscore.labels.answer import MAX_STREAMED
from poolscore.tls import Tls
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from poolscore.v1.label_service_pb2_grpc import LabelServiceStub
from poolscore.v1.pool_service_pb2_grpc import PoolServiceStub
from poolscore.v1.prompt_version_service_pb2_grpc import PromptVersionServiceStub
from poolscore.v1.query_service_pb2_grpc import QueryServiceStub
from poolscore.v1.run_service_pb2_grpc import RunServiceStub

_SERVICES = tuple(
    f"poolscore.v1.{name}Service" for name in ("Pool", "Run", "Query", "Label", "PromptVersion")
)
# Repeated after a success whose answer got lost, these would be refused: the name is taken, the
# etag is stale, the pool is deleted or is not. A repeated preview would queue behind the one that
# took too long.
_NOT_REPEATED = (
    ("poolscore.v1.PoolService", "CreatePool"),
    ("poolscore.v1.PoolService", "UpdatePool"),
    ("poolscore.v1.PoolService", "DeletePool"),
    ("poolscore.v1.PoolService", "UndeletePool"),
    ("poolscore.v1.QueryService", "PreviewBatch"),
)
_LOADING_S = 600.0
_RECONNECT_S = 1.0
_RECONNECTS = 60
_PREVIEW_S = 150.0

_T = TypeVar("_T")


def _request_id() -> str:
    return uuid.uuid4().hex


class Client:
    """A connection to one poolscore service. Pools are named by their id, all else by name."""

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        tls: Tls | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Connect lazily to `address`; `timeout_s` bounds each unary call.

        `https://host:port` means TLS, with the files of `tls`. Address, token and files are those
        of the settings by default. A token goes to another machine over TLS, or where the address
        says `http://`.

        Raises InvalidInputError (INVALID_ADDRESS, TOKEN_UNPROTECTED, TLS_FILE_INVALID).
        """
        settings = Settings()
        self.address = parse_connection(address or settings.address, tls or settings.tls)
        token = settings.token if token is None else token
        self.address.check_token(token)
        options: list[tuple[str, str | int]] = [
            ("grpc.service_config", retrying(_SERVICES, _NOT_REPEATED)),
            # A page may hold a thousand pools with a thousand classes each.
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            # A web proxy of the environment cannot reach this machine's own loopback address.
            ("grpc.enable_http_proxy", int(not is_loopback(self.address.host))),
        ]
        self.channel = with_token(self.address.open(options), token)
        self.timeout_s = timeout_s
        self._pools = PoolServiceStub(self.channel)
        self._runs = RunServiceStub(self.channel)
        self._queries = QueryServiceStub(self.channel)
        self._labels = LabelServiceStub(self.channel)
        self._prompts = PromptVersionServiceStub(self.channel)

    def __enter__(self) -> "Client":
        """Return the client; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.channel.close()

    def create_pool(
        self, pool_id: str, pool: pool_pb.Pool, *, validate_only: bool = False
    ) -> pool_pb.Pool:
        """Register a pool; the server loads its encoder first, which may mean a download."""
        request = pool_pb.CreatePoolRequest(pool_id=pool_id, pool=pool, validate_only=validate_only)
        with errors_of(self.address):
            return self._pools.CreatePool(request, timeout=max(self.timeout_s, _LOADING_S)).pool

    def get_pool(self, pool_id: str) -> pool_pb.Pool:
        """Return a pool with its counts."""
        request = pool_pb.GetPoolRequest(name=f"pools/{pool_id}")
        with errors_of(self.address):
            return self._pools.GetPool(request, timeout=self.timeout_s).pool

    def update_pool(
        self, pool: pool_pb.Pool, paths: Sequence[str] = ()
    ) -> pool_pb.UpdatePoolResponse:
        """Change the fields named by `paths`, or those that are set; `pool.name` says which pool.

        Raises AbortedError (ETAG_MISMATCH) when `pool.etag` is set and the pool has changed since.
        """
        request = pool_pb.UpdatePoolRequest(pool=pool, update_mask=FieldMask(paths=paths))
        with errors_of(self.address):
            return self._pools.UpdatePool(request, timeout=self.timeout_s)

    def delete_pool(self, pool_id: str, *, etag: str = "") -> pool_pb.Pool:
        """Hide a pool until it is undeleted."""
        request = pool_pb.DeletePoolRequest(name=f"pools/{pool_id}", etag=etag)
        with errors_of(self.address):
            return self._pools.DeletePool(request, timeout=self.timeout_s).pool

    def undelete_pool(self, pool_id: str) -> pool_pb.Pool:
        """Bring a deleted pool back."""
        request = pool_pb.UndeletePoolRequest(name=f"pools/{pool_id}")
        with errors_of(self.address):
            return self._pools.UndeletePool(request, timeout=self.timeout_s).pool

    def list_pools(
        self, *, show_deleted: bool = False, matching: str = ""
    ) -> Iterator[pool_pb.Pool]:
        """Yield every pool, or those matching a filter such as `strategy = "entropy"`."""
        request = pool_pb.ListPoolsRequest(show_deleted=show_deleted, filter=matching)
        while True:
            with errors_of(self.address):
                page = self._pools.ListPools(request, timeout=self.timeout_s)
            yield from page.pools
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def start_run(
        self, pool_id: str, spec: run_pb.RunSpec, *, request_id: str | None = None
    ) -> run_pb.Run:
        """Queue a run."""
        request = run_pb.StartRunRequest(
            parent=f"pools/{pool_id}", spec=spec, request_id=request_id or _request_id()
        )
        with errors_of(self.address):
            return self._runs.StartRun(request, timeout=self.timeout_s).run

    def embed(self, pool_id: str, *sources: str, prune: bool = False) -> run_pb.Run:
        """Queue the embedding of images in places that the server can read."""
        spec = run_pb.EmbedSpec(sources=sources, prune=prune)
        return self.start_run(pool_id, run_pb.RunSpec(embed=spec))

    def build_neighbours(self, pool_id: str, k: int = 0) -> run_pb.Run:
        """Queue a new neighbour graph of the active snapshot; 0 neighbours mean the default."""
        return self.start_run(pool_id, run_pb.RunSpec(neighbours=run_pb.NeighboursSpec(k=k)))

    def rescore(self, pool_id: str, *, strategy: str = "", prompt_version: str = "") -> run_pb.Run:
        """Queue a new ranking; with a strategy named, it is stored beside the active one."""
        spec = run_pb.RescoreSpec(strategy=strategy, prompt_version=prompt_version)
        return self.start_run(pool_id, run_pb.RunSpec(rescore=spec))

    def get_run(self, name: str) -> run_pb.Run:
        """Return a run."""
        with errors_of(self.address):
            return self._runs.GetRun(run_pb.GetRunRequest(name=name), timeout=self.timeout_s).run

    def list_runs(self, pool_id: str, *, limit: int = 10) -> Sequence[run_pb.Run]:
        """Return the newest runs of a pool."""
        request = run_pb.ListRunsRequest(parent=f"pools/{pool_id}", page_size=limit)
        with errors_of(self.address):
            return self._runs.ListRuns(request, timeout=self.timeout_s).runs

    def cancel_run(self, name: str) -> run_pb.Run:
        """Ask a run to stop."""
        request = run_pb.CancelRunRequest(name=name)
        with errors_of(self.address):
            return self._runs.CancelRun(request, timeout=self.timeout_s).run

    def watch_run(
        self, name: str, *, after_sequence: int = 0, timeout_s: float | None = None
    ) -> Iterator[run_pb.Run]:
        """Yield the run at every change after one of its sequence numbers, until it has ended; by
        default it is yielded as it is now first.

        A lost connection is taken up again behind the last change, for about a minute. Raises
        UnavailableError, with the reason TIMED_OUT after `timeout_s`.
        """
        request = run_pb.WatchRunRequest(name=name, after_sequence=after_sequence)

        def watch(left_s: float | None) -> Iterator[run_pb.Run]:
            for response in self._runs.WatchRun(request, timeout=left_s):
                request.after_sequence = response.run.sequence
                yield response.run

        return self._resumed(watch, timeout_s)

    def lease(
        self,
        pool_id: str,
        size: int,
        annotator: str,
        *,
        duration: timedelta | None = None,
        request_id: str | None = None,
        strategy: str = "",
        classes: Sequence[str] = (),
    ) -> query_pb.Batch:
        """Lease the best items that are neither leased nor answered; empty when there are none.

        From the newest ranking of a strategy instead of the active one, and only items predicted to
        be one of some classes.
        """
        request = query_pb.LeaseBatchRequest(
            parent=f"pools/{pool_id}",
            size=size,
            annotator=annotator,
            lease_duration=_duration(duration),
            request_id=request_id or _request_id(),
            strategy=strategy,
            classes=classes,
        )
        with errors_of(self.address):
            return self._queries.LeaseBatch(request, timeout=self.timeout_s).batch

    def get_batch(self, name: str) -> query_pb.Batch:
        """Return a batch."""
        request = query_pb.GetBatchRequest(name=name)
        with errors_of(self.address):
            return self._queries.GetBatch(request, timeout=self.timeout_s).batch

    def extend_batch(self, name: str, duration: timedelta) -> query_pb.Batch:
        """Move the deadline of an open batch to `duration` from now."""
        request = query_pb.ExtendBatchRequest(name=name, lease_duration=_duration(duration))
        with errors_of(self.address):
            return self._queries.ExtendBatch(request, timeout=self.timeout_s).batch

    def release_batch(self, name: str) -> int:
        """Give the open items of a batch back; return how many."""
        request = query_pb.ReleaseBatchRequest(name=name)
        with errors_of(self.address):
            return self._queries.ReleaseBatch(request, timeout=self.timeout_s).released

    def ranking(
        self, name: str, *, limit: int = 0, classes: Sequence[str] = ()
    ) -> Iterator[query_pb.RankedItem]:
        """Yield a ranking from the top; `pools/{pool}/rankings/-` is the active one."""
        for page in self.ranking_pages(name, limit=limit, classes=classes):
            yield from page.items

    def ranking_pages(
        self, name: str, *, limit: int = 0, classes: Sequence[str] = (), page_token: str = ""
    ) -> Iterator[query_pb.StreamRankingResponse]:
        """Yield a ranking in pages, each with its name and the token that goes on behind it."""
        request = query_pb.StreamRankingRequest(
            name=name, limit=limit, classes=classes, page_token=page_token
        )
        with errors_of(self.address):
            yield from self._queries.StreamRanking(request)

    def explain(
        self, name: str, *, ranking: str = "", size: int = 0
    ) -> query_pb.ExplainItemResponse:
        """Say why an item stands where it stands in a ranking, by default in the active one."""
        request = query_pb.ExplainItemRequest(name=name, ranking=ranking, size=size)
        with errors_of(self.address):
            return self._queries.ExplainItem(request, timeout=self.timeout_s)

    def preview(
        self, pool_id: str, size: int, *, strategy: str = "", classes: Sequence[str] = ()
    ) -> query_pb.PreviewBatchResponse:
        """Show the batch that a strategy would give now; nothing is leased."""
        request = query_pb.PreviewBatchRequest(
            parent=f"pools/{pool_id}", size=size, strategy=strategy, classes=classes
        )
        with errors_of(self.address):
            return self._queries.PreviewBatch(request, timeout=max(self.timeout_s, _PREVIEW_S))

    def submit_labels(
        self, pool_id: str, labels: Iterable[label_pb.LabelInput], *, request_id: str | None = None
    ) -> label_pb.SubmitLabelsResponse:
        """Record up to 1000 answers; each is accepted or refused by itself."""
        request = label_pb.SubmitLabelsRequest(
            parent=f"pools/{pool_id}", labels=labels, request_id=request_id or _request_id()
        )
        with errors_of(self.address):
            return self._labels.SubmitLabels(request, timeout=self.timeout_s)

    def stream_labels(
        self, pool_id: str, labels: Iterable[label_pb.LabelInput]
    ) -> label_pb.StreamLabelsResponse:
        """Record any number of answers as streams of as many as the service takes."""
        requests = (
            label_pb.StreamLabelsRequest(
                parent=f"pools/{pool_id}", label=label, request_id=_request_id()
            )
            for label in labels
        )
        response = label_pb.StreamLabelsResponse()
        with errors_of(self.address):
            for first in requests:
                part = chain([first], islice(requests, MAX_STREAMED - 1))
                answered = self._labels.StreamLabels(part)
                response.results.extend(answered.results)
                response.accepted += answered.accepted
                response.refused += answered.refused
        return response

    def retract_label(
        self, item: str, annotator: str, *, request_id: str | None = None
    ) -> label_pb.LabelEvent:
        """Take an annotator's answer to an item back."""
        request = label_pb.RetractLabelRequest(
            item=item, annotator=annotator, request_id=request_id or _request_id()
        )
        with errors_of(self.address):
            return self._labels.RetractLabel(request, timeout=self.timeout_s).event

    def list_conflicts(self, pool_id: str) -> Iterator[label_pb.Conflict]:
        """Yield every item on which annotators disagree, with what each of them says."""
        request = label_pb.ListConflictsRequest(parent=f"pools/{pool_id}", page_size=1000)
        while True:
            with errors_of(self.address):
                page = self._labels.ListConflicts(request, timeout=self.timeout_s)
            yield from page.conflicts
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def list_label_events(
        self, pool_id: str, *, item: str = "", annotator: str = ""
    ) -> Iterator[label_pb.LabelEvent]:
        """Yield label events in the order of recording: all, or those of an item or annotator."""
        request = label_pb.ListLabelEventsRequest(
            parent=f"pools/{pool_id}", page_size=1000, item=item, annotator=annotator
        )
        while True:
            with errors_of(self.address):
                page = self._labels.ListLabelEvents(request, timeout=self.timeout_s)
            yield from page.events
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def list_prompt_versions(self, pool_id: str) -> Iterator[prompt_pb.PromptVersion]:
        """Yield every prompt version, newest first."""
        request = prompt_pb.ListPromptVersionsRequest(parent=f"pools/{pool_id}", page_size=1000)
        while True:
            with errors_of(self.address):
                page = self._prompts.ListPromptVersions(request, timeout=self.timeout_s)
            yield from page.prompt_versions
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def get_prompt_version(self, name: str) -> prompt_pb.PromptVersion:
        """Return a prompt version with its metrics, lineage and promotion."""
        request = prompt_pb.GetPromptVersionRequest(name=name)
        with errors_of(self.address):
            response = self._prompts.GetPromptVersion(request, timeout=self.timeout_s)
            return response.prompt_version

    def diff_prompt_versions(
        self, name: str, other: str, *, limit: int = 0
    ) -> prompt_pb.DiffPromptVersionsResponse:
        """Return what changed most from the ranking of one version to that of another."""
        request = prompt_pb.DiffPromptVersionsRequest(name=name, other=other, limit=limit)
        with errors_of(self.address):
            return self._prompts.DiffPromptVersions(request, timeout=self.timeout_s)

    def activate(self, name: str) -> prompt_pb.PromptVersion:
        """Make a prompt version and its stored ranking active."""
        request = prompt_pb.ActivatePromptVersionRequest(name=name)
        with errors_of(self.address):
            response = self._prompts.ActivatePromptVersion(request, timeout=self.timeout_s)
            return response.prompt_version

    def train(self, pool_id: str, *, request_id: str | None = None) -> run_pb.Run:
        """Queue a training run over all effective labels."""
        request = prompt_pb.TrainPromptVersionRequest(
            parent=f"pools/{pool_id}", request_id=request_id or _request_id()
        )
        with errors_of(self.address):
            return self._prompts.TrainPromptVersion(request, timeout=self.timeout_s).run

    def watch_prompt_versions(
        self, pool_id: str, *, timeout_s: float | None = None
    ) -> Iterator[prompt_pb.PromptVersion]:
        """Yield the active prompt version now and at every switch; ends as `watch_switches`."""
        for switch in self.watch_switches(pool_id, timeout_s=timeout_s):
            yield switch.prompt_version

    def watch_switches(
        self, pool_id: str, *, resume_token: str = "", timeout_s: float | None = None
    ) -> Iterator[prompt_pb.WatchPromptVersionsResponse]:
        """The same, each with the token that another watcher goes on from.

        A lost connection is taken up again behind the last switch; ends as `watch_run`.
        """
        request = prompt_pb.WatchPromptVersionsRequest(
            parent=f"pools/{pool_id}", resume_token=resume_token
        )

        def watch(left_s: float | None) -> Iterator[prompt_pb.WatchPromptVersionsResponse]:
            for response in self._prompts.WatchPromptVersions(request, timeout=left_s):
                request.resume_token = response.resume_token
                yield response

        return self._resumed(watch, timeout_s)

    def _resumed(
        self, watch: Callable[[float | None], Iterator[_T]], timeout_s: float | None
    ) -> Iterator[_T]:
        """Yield what `watch` streams, given the seconds left; when the connection was lost, it is
        called again and must go on behind what it has yielded.

        Not when nothing has ever answered: that is no lost connection.
        """
        end = None if timeout_s is None else monotonic() + timeout_s
        left = 0
        while True:
            try:
                with errors_of(self.address):
                    for each in watch(None if end is None else max(end - monotonic(), 0.0)):
                        left = _RECONNECTS
                        yield each
                return
            except UnavailableError as error:
                if error.reason == "TIMED_OUT" or left == 0:
                    raise
                left -= 1
                sleep(_RECONNECT_S if end is None else min(_RECONNECT_S, max(end - monotonic(), 0)))


def _duration(value: timedelta | None) -> Duration | None:
    if value is None:
        return None
    message = Duration()
    message.FromTimedelta(value)
    return message
