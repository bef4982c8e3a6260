"""The API of the service behind a real gRPC socket, in this process and without Ray.

It asks for tokens and judges them as a replica does.
"""

import asyncio
import inspect
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_status import rpc_status

from services.api.access import Access
from services.api.contract import Rpc, rpcs
from services.api.errors import describe
from services.api.ingress import Api
from services.api.request_rules import check_request


@contextmanager
def api_server(api: Api, *, tokens: bool) -> Generator[str]:
    """Serve the unary methods; yields host:port."""
    access = Access(api.backend.catalog, tokens=tokens)
    server = grpc.server(ThreadPoolExecutor(8))
    for service in {rpc.service for rpc in rpcs()}:
        handlers = {
            rpc.name: grpc.unary_unary_rpc_method_handler(
                _answer(api, access, rpc),
                request_deserializer=rpc.request.FromString,
                response_serializer=rpc.response.SerializeToString,
            )
            for rpc in rpcs()
            if rpc.service == service and not rpc.client_streaming and not rpc.server_streaming
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _answer(
    api: Api, access: Access, rpc: Rpc
) -> Callable[[Message, grpc.ServicerContext], Message]:
    method: Callable[[Message], Any] = getattr(api, rpc.name)

    def answer(request: Message, context: grpc.ServicerContext) -> Message:
        try:
            caller = asyncio.run(access.caller(rpc, list(context.invocation_metadata())))
            access.check(caller, rpc, request)
            check_request(request)
            found = method(request)
            return asyncio.run(found) if inspect.iscoroutine(found) else found
        except Exception as error:
            context.abort_with_status(rpc_status.to_status(describe(error).status()))
            raise AssertionError("abort raises") from error

    return answer
