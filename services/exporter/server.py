"""The page that Prometheus reads."""

from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from poolscore.address import parse_address
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError
from services.exporter.collector import CatalogCollector


@dataclass
class Exporter:
    """A running exporter."""

    address: str
    """host:port."""
    _server: WSGIServer
    _thread: Thread

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://{self.address}/metrics"

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def start_exporter(settings: Settings) -> Exporter:
    """Answer at `settings.metrics_address` from threads of this process.

    Raises InvalidInputError INVALID_ADDRESS or CATALOG_URL_INVALID, FailedPreconditionError
    ADDRESS_IN_USE.
    """
    setting = "POOLSCORE_METRICS_ADDRESS"
    host, port = parse_address(settings.metrics_address, setting)
    registry = CollectorRegistry()
    registry.register(CatalogCollector(settings.catalog_url, settings.store_uri))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot show metrics at {settings.metrics_address}: {error.strerror}; stop what "
            f"listens there, or choose another address with {setting}",
            reason="ADDRESS_IN_USE",
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return Exporter(f"{shown}:{server.server_port}", server, thread)
