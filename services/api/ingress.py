"""The Ray Serve deployment: every method of the contract, wrapped for Serve's gRPC proxy.

The mixins are plain Python: a unary method takes a request and returns a response, a stream is an
async iterator, and errors are raised. This module turns each of them into what Serve calls.
Blocking methods run in a thread, so that a slow catalog never stops the replica's event loop.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from google.protobuf.message import Message
from ray.serve.grpc_util import RayServegRPCContext, gRPCInputStream

from poolscore.errors import UnimplementedError
from services.api.backend import Backend
from services.api.contract import Rpc, rpcs
from services.api.errors import describe, report
from services.api.guard import check_peer
from services.api.health import HealthApi
from services.api.labels import LabelApi
from services.api.pools import PoolApi
from services.api.prompt_versions import PromptVersionApi
from services.api.queries import QueryApi
from services.api.runs import RunApi
from services.api.streams import EndOfStream
from services.workers import resolve_encoder, wake_worker

Incoming = Message | gRPCInputStream[Message]


class Api(PoolApi, RunApi, QueryApi, LabelApi, PromptVersionApi, HealthApi):
    """All services of the contract in one object."""

    def __init__(self, backend: Backend) -> None:
        """Work on `backend`."""
        self.backend = backend


class Ingress:
    """What a replica runs; every method of the contract is added to it below."""

    def __init__(self, catalog_url: str, store_uri: str, local_only: bool) -> None:
        """Answer callers of this machine alone when `local_only`."""
        self.api = Api(Backend.open(catalog_url, store_uri, wake_worker, resolve_encoder))
        self.local_only = local_only

    def implementation(self, rpc: Rpc, context: RayServegRPCContext) -> Callable[[Incoming], Any]:
        """Return what answers `rpc`.

        Raises PermissionDeniedError for a caller from elsewhere and UnimplementedError.
        """
        check_peer(context.peer(), self.local_only)
        found = getattr(self.api, rpc.name, None)
        if found is None:
            raise UnimplementedError(
                f"{rpc.service}/{rpc.name} is in the contract, but this server does not answer it",
                service=rpc.service,
                method=rpc.name,
            )
        return found


def _unary(rpc: Rpc) -> Callable[..., Awaitable[Message]]:
    async def call(self: Ingress, request: Incoming, grpc_context: RayServegRPCContext) -> Message:
        try:
            method = self.implementation(rpc, grpc_context)
            if inspect.iscoroutinefunction(method):
                return await method(request)
            return await asyncio.to_thread(method, request)
        except Exception as error:
            report(grpc_context, describe(error))
            return rpc.response()

    return call


def _stream(rpc: Rpc) -> Callable[..., AsyncIterator[Message | EndOfStream]]:
    async def call(
        self: Ingress, request: Incoming, grpc_context: RayServegRPCContext
    ) -> AsyncIterator[Message | EndOfStream]:
        try:
            async for response in self.implementation(rpc, grpc_context)(request):
                yield response
        except Exception as error:
            report(grpc_context, describe(error))
            yield EndOfStream()

    return call


for _rpc in rpcs():
    _method = _stream(_rpc) if _rpc.server_streaming else _unary(_rpc)
    _method.__name__ = _rpc.name
    setattr(Ingress, _rpc.name, _method)
