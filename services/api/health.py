"""`grpc.health.v1`: whether the server can do its work, which needs the catalog."""

import asyncio
from collections.abc import AsyncIterator

from grpc_health.v1.health_pb2 import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListRequest,
    HealthListResponse,
)

from poolscore.errors import NotFoundError
from services.api.backend import Backend
from services.api.contract import services

_WATCH_INTERVAL_S = 1.0


class HealthApi:
    """Implements `grpc.health.v1.Health`."""

    backend: Backend

    def Check(self, request: HealthCheckRequest) -> HealthCheckResponse:
        """Return SERVING or NOT_SERVING for the server (empty name) or one of its services.

        Raises NotFoundError (UNKNOWN_SERVICE), as the protocol asks.
        """
        if not _is_known(request.service):
            raise NotFoundError(
                f"there is no service '{request.service}'",
                reason="UNKNOWN_SERVICE",
                service=request.service,
            )
        return self._answer(request.service)

    def List(self, request: HealthListRequest) -> HealthListResponse:
        """Return the state of the server (empty name) and of each of its services."""
        del request
        names = ["", *(known.full_name for known in services())]
        return HealthListResponse(statuses=dict.fromkeys(names, self._answer("")))

    async def Watch(self, request: HealthCheckRequest) -> AsyncIterator[HealthCheckResponse]:
        """Yield the state now and at every change; SERVICE_UNKNOWN for an unknown service."""
        last: HealthCheckResponse | None = None
        while True:
            answer = await asyncio.to_thread(self._answer, request.service)
            if answer != last:
                last = answer
                yield answer
            await asyncio.sleep(_WATCH_INTERVAL_S)

    def _answer(self, service: str) -> HealthCheckResponse:
        if not _is_known(service):
            return HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        if self.backend.catalog.is_readable():
            return HealthCheckResponse(status=HealthCheckResponse.SERVING)
        return HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)


def _is_known(service: str) -> bool:
    return service == "" or service in {known.full_name for known in services()}
