"""A small typed client of the gRPC API.

Messages are those of the contract (`poolscore.v1`). Every unary call has a deadline, calls that are
safe to repeat are retried while the server is unavailable, and errors are those of
`poolscore.errors`.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from types import TracebackType

import grpc
from google.protobuf.duration_pb2 import Duration

from poolscore.address import is_loopback, parse_address
from poolscore.calls import errors_of, retrying
from poolscore.config import Settings
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
# A repeated CreatePool would be refused as ALREADY_EXISTS after a success whose answer got lost.
_NOT_REPEATED = (("poolscore.v1.PoolService", "CreatePool"),)
_LOADING_S = 600.0


def _request_id() -> str:
    return uuid.uuid4().hex


class Client:
    """A connection to one poolscore service. Pools are named by their id, all else by name."""

    def __init__(self, address: str | None = None, *, timeout_s: float = 60.0) -> None:
        """Connect lazily to `address` (default: the setting); `timeout_s` bounds each unary call.

        Raises InvalidInputError (INVALID_ADDRESS).
        """
        self.address = address or Settings().address
        host, _ = parse_address(self.address)
        options: list[tuple[str, str | int]] = [
            ("grpc.service_config", retrying(_SERVICES, _NOT_REPEATED)),
            # A page may hold a thousand pools with a thousand classes each.
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            # A web proxy of the environment cannot reach this machine's own loopback address.
            ("grpc.enable_http_proxy", int(not is_loopback(host))),
        ]
        self.channel = grpc.insecure_channel(self.address, options=options)
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

    def list_pools(self) -> Iterator[pool_pb.Pool]:
        """Yield every pool."""
        request = pool_pb.ListPoolsRequest()
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

    def watch_run(self, name: str) -> Iterator[run_pb.Run]:
        """Yield the run now and at every change until it has ended."""
        with errors_of(self.address):
            for response in self._runs.WatchRun(run_pb.WatchRunRequest(name=name)):
                yield response.run

    def lease(
        self,
        pool_id: str,
        size: int,
        annotator: str,
        *,
        duration: timedelta | None = None,
        request_id: str | None = None,
    ) -> query_pb.Batch:
        """Lease the best items that are neither leased nor answered; empty when there are none."""
        request = query_pb.LeaseBatchRequest(
            parent=f"pools/{pool_id}",
            size=size,
            annotator=annotator,
            lease_duration=_duration(duration),
            request_id=request_id or _request_id(),
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

    def ranking(self, name: str, *, limit: int = 0) -> Iterator[query_pb.RankedItem]:
        """Yield a ranking from the top; `pools/{pool}/rankings/-` is the active one."""
        request = query_pb.StreamRankingRequest(name=name, limit=limit)
        with errors_of(self.address):
            for response in self._queries.StreamRanking(request):
                yield from response.items

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
        """Record any number of answers as a stream."""
        requests = (
            label_pb.StreamLabelsRequest(
                parent=f"pools/{pool_id}", label=label, request_id=_request_id()
            )
            for label in labels
        )
        with errors_of(self.address):
            return self._labels.StreamLabels(requests)

    def list_label_events(self, pool_id: str) -> Iterator[label_pb.LabelEvent]:
        """Yield every label event in the order of recording."""
        request = label_pb.ListLabelEventsRequest(parent=f"pools/{pool_id}", page_size=1000)
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

    def watch_prompt_versions(self, pool_id: str) -> Iterator[prompt_pb.PromptVersion]:
        """Yield the active prompt version now and at every switch."""
        request = prompt_pb.WatchPromptVersionsRequest(parent=f"pools/{pool_id}")
        with errors_of(self.address):
            for response in self._prompts.WatchPromptVersions(request):
                yield response.prompt_version


def _duration(value: timedelta | None) -> Duration | None:
    if value is None:
        return None
    message = Duration()
    message.FromTimedelta(value)
    return message
