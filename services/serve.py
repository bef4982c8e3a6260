"""Start everything on one machine or cluster: Ray, the gRPC API on Ray Serve, the workers."""

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray import serve
from ray.actor import ActorHandle
from ray.serve.config import ProxyLocation, gRPCOptions

from pipelines.cluster import connect
from poolscore.address import is_loopback, parse_address
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError
from services.actors import start_workers
from services.api.contract import SERVICERS
from services.application import QUIET, api_application, check_usable
from services.listening import http_options, listen_by_proxy, listen_by_replica
from services.readiness import wait_until_serving
from services.scorer_actors import start_scorers

_APPLICATION = "poolscore"


@dataclass
class Service:
    """A running service."""

    address: str
    """host:port of the gRPC API."""
    workers: Sequence[ActorHandle[Any]]
    """Scorers too."""
    owns_ray: bool

    def stop(self) -> None:
        """Stop the API and the workers; also Ray, when the service has started it."""
        for worker in self.workers:
            ray.kill(worker)
        if self.owns_ray:
            # Ray takes Serve's controller with it; shutting that down first makes it complain.
            serve.delete(_APPLICATION)
            ray.shutdown()
        else:
            serve.shutdown()


def start_service(settings: Settings, *, port: int | None = None) -> Service:
    """Start the service and return once it answers SERVING.

    `port` replaces the one in `settings.address`; 0 takes a free one. Raises InvalidInputError
    (INVALID_ADDRESS, INVALID_TRAINING, SETTING_INVALID), FailedPreconditionError (ADDRESS_IN_USE,
    SOURCE_ROOTS_MISSING), UnavailableError, and what `reach_store` raises.
    """
    host, wanted = parse_address(settings.address)
    chosen = _reserve(host, wanted if port is None else port)
    check_usable(settings, local_only=is_loopback(host))
    owns_ray, cluster = not ray.is_initialized(), os.environ.get("RAY_ADDRESS")
    if owns_ray and not cluster and settings.api_replicas == 1:
        listen_by_replica(chosen)
    else:
        listen_by_proxy()
    connect(cluster, settings.ray_metrics_port)
    service = Service(_display(host, chosen), [], owns_ray)
    try:
        _start_api(settings, host, chosen)
        service.workers = start_scorers(settings)
        service.workers = [*service.workers, *start_workers(settings)]
        wait_until_serving(service.address)
    except BaseException:
        service.stop()
        raise
    return service


def _start_api(settings: Settings, host: str, port: int) -> None:
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(
        proxy_location=ProxyLocation.HeadOnly,
        http_options=http_options(_reserve("127.0.0.1", 0)),
        grpc_options=gRPCOptions(port=port, grpc_servicer_functions=list(SERVICERS)),
        logging_config=QUIET,
    )
    application = api_application(settings, local_only=is_loopback(host))
    # The gRPC proxy finds an application only when it also has an HTTP route.
    serve.run(application, name=_APPLICATION, route_prefix="/")


def _reserve(host: str, port: int) -> int:
    """Return a port that nobody listens on: `port`, or a free one for 0.

    Serve binds with SO_REUSEPORT, so that a second service would silently share the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FailedPreconditionError(
                f"cannot listen on {_display(host, port)}: {error.strerror}; stop what listens "
                "there, or choose another address with POOLSCORE_ADDRESS",
                reason="ADDRESS_IN_USE",
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen


def _display(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
