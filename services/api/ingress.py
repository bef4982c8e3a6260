"""The Ray Serve deployment: every method of the contract, wrapped for Serve's gRPC proxy.

The mixins are plain Python: a unary method takes a request and returns a response, a stream is an
async iterator, and errors are raised. This module turns each of them into what Serve calls.
Blocking methods run in a thread, so that a slow catalog never stops the replica's event loop.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.protobuf.message import Message
from ray.serve.grpc_util import RayServegRPCContext

from pipelines.sources.roots import SourceRoots
from poolscore.access.caller import Caller, act_as
from poolscore.config import LogSettings
from poolscore.logs import configure_logs
from services.api.access import HEALTH, Access
from services.api.backend import Backend
from services.api.call import observed
from services.api.contract import Rpc, rpcs
from services.api.errors import describe, report
from services.api.explanations import ExplanationApi
from services.api.guard import check_peer
from services.api.health import HealthApi
from services.api.incoming import Incoming, Request, read
from services.api.labels import LabelApi
from services.api.limits import Limits
from services.api.pools import PoolApi
from services.api.prompt_versions import PromptVersionApi
from services.api.queries import QueryApi
from services.api.request_rules import check_request
from services.api.runs import RunApi
from services.api.streams import EndOfStream, last_elements
from services.metrics import RpcMeter
from services.questions import AskEmbedder
from services.workers import resolve_encoder, wake_worker

_WRITES = frozenset({"LeaseBatch", "ExtendBatch", "ReleaseBatch", "SubmitLabels", "RetractLabel"})
"""Methods that are one short write transaction each. They have threads of their own, as many as may
write at once: more would take the interpreter from each other at every statement."""


class Api(PoolApi, RunApi, QueryApi, ExplanationApi, LabelApi, PromptVersionApi, HealthApi):
    """All services of the contract in one object."""

    def __init__(self, backend: Backend) -> None:
        """Work on `backend`."""
        self.backend = backend


@dataclass(frozen=True)
class ServingRules:
    """Who may call, how much, and about what."""

    local_only: bool
    """Answer callers of this machine alone."""
    tokens: bool
    """Ask for a token."""
    in_flight: int
    """Calls of one caller at a time; 0: any number."""
    rate: float
    """Calls of one caller a second; 0: any number."""
    source_roots: str
    """What they may have embedded, as the setting says; empty: whatever the server can read."""


class Ingress:
    """What a replica runs; every method of the contract is added to it below."""

    def __init__(
        self, catalog_url: str, store_uri: str, rules: ServingRules, logs: LogSettings
    ) -> None:
        """Answer whom `rules` let in."""
        configure_logs(logs)
        backend = Backend.open(
            catalog_url,
            store_uri,
            wake_worker,
            resolve_encoder,
            AskEmbedder(),
            SourceRoots(rules.source_roots),
        )
        self.api = Api(backend)
        self.local_only = rules.local_only
        self.writers = ThreadPoolExecutor(backend.catalog.writers, "writer")
        self.access = Access(backend.catalog, tokens=rules.tokens)
        self.limits = Limits(in_flight=rules.in_flight, rate=rules.rate)
        self.meter = RpcMeter()

    @asynccontextmanager
    async def admitted(
        self, rpc: Rpc, request: Request, context: RayServegRPCContext
    ) -> AsyncGenerator[Callable[..., Any]]:
        """Give what answers `rpc` to whom may call it, and count the call until the block ends.

        Raises PermissionDeniedError, UnauthenticatedError, ResourceExhaustedError; BadRequestError
        for what the contract does not allow. Messages of a stream are for the method to judge, so
        that a bad one does not lose the others.
        """
        check_peer(context.peer(), self.local_only)
        caller = await self.access.caller(rpc, context.invocation_metadata())
        act_as(caller)
        with self.limits.call(caller.token_id or anonymous(rpc, context.peer())):
            self.access.check(caller, rpc, request)
            if isinstance(request, Message):
                check_request(request)
            yield getattr(self.api, rpc.name)

    def still_admitted(self, rpc: Rpc, context: RayServegRPCContext) -> Awaitable[Caller]:
        """Raise what `admitted` raises when the token has expired or was revoked meanwhile."""
        return self.access.caller(rpc, context.invocation_metadata())

    async def in_thread(
        self, rpc: Rpc, method: Callable[..., Message], request: Request
    ) -> Message:
        """Answer a blocking method, as the caller of this context."""
        threads = self.writers if rpc.name in _WRITES else None
        answer = partial(copy_context().run, partial(method, request))
        return await asyncio.get_running_loop().run_in_executor(threads, answer)


def _unary(rpc: Rpc) -> Callable[..., Awaitable[Message]]:
    async def call(self: Ingress, incoming: Incoming, grpc_context: RayServegRPCContext) -> Message:
        with observed(rpc, grpc_context, self.meter) as call:
            try:
                request = read(rpc, incoming)
                call.is_about(request)
                if not isinstance(request, Message):
                    request = _each_admitted(
                        request, partial(self.still_admitted, rpc, grpc_context)
                    )
                async with self.admitted(rpc, request, grpc_context) as method:
                    if inspect.iscoroutinefunction(method):
                        return await method(request)
                    return await self.in_thread(rpc, method, request)
            except Exception as error:
                call.failure = describe(error)
                report(grpc_context, call.failure)
                return rpc.response()

    return call


def _stream(rpc: Rpc) -> Callable[..., AsyncIterator[Message | EndOfStream]]:
    async def call(
        self: Ingress, incoming: Incoming, grpc_context: RayServegRPCContext
    ) -> AsyncIterator[Message | EndOfStream]:
        with observed(rpc, grpc_context, self.meter) as call:
            try:
                request = read(rpc, incoming)
                call.is_about(request)
                async with self.admitted(rpc, request, grpc_context) as method:
                    async for response in method(request):
                        await self.still_admitted(rpc, grpc_context)
                        yield response
            except Exception as error:
                call.failure = describe(error)
                report(grpc_context, call.failure)
                for last in last_elements():
                    yield last

    return call


async def _each_admitted(
    requests: AsyncIterator[Message], still_admitted: Callable[[], Awaitable[Caller]]
) -> AsyncIterator[Message]:
    """Messages of a stream, which may last longer than the token of its caller."""
    async for request in requests:
        await still_admitted()
        yield request


def anonymous(rpc: Rpc, peer: str) -> str:
    """Whom to count a call without a token for; empty: nobody.

    Behind an edge all come from one host, probes of the edge itself too: nobody may use up what
    these need. A check costs less than to refuse it.
    """
    host = peer.rpartition(":")[0]
    if rpc.service != HEALTH:
        return host
    return "" if rpc.name == "Check" else f"{host} {HEALTH}"


for _rpc in rpcs():
    _method = _stream(_rpc) if _rpc.server_streaming else _unary(_rpc)
    _method.__name__ = _rpc.name
    setattr(Ingress, _rpc.name, _method)
