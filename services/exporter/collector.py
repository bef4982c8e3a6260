"""What answers a scrape: reads the catalog and gives what `metrics` declares."""

import logging
import threading
from collections.abc import Iterable
from time import perf_counter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from poolscore.errors import PoolscoreError
from poolscore.metric import Metric, MetricKind
from poolscore.store.catalog import Catalog
from poolscore.store.pool_states import PoolStates
from services.exporter import metrics
from services.exporter.rejects import RejectReasons
from services.exporter.samples import samples

Family = GaugeMetricFamily | CounterMetricFamily

_log = logging.getLogger(__name__)


class CatalogCollector(Collector):
    """Answers every scrape from the catalog; also while that is away."""

    def __init__(self, catalog_url: str, store_uri: str) -> None:
        """Read nothing yet. Raises InvalidInputError CATALOG_URL_INVALID."""
        # Not `Catalog.open`: whoever watches must not migrate, nor need the catalog to start.
        self._states = PoolStates(Catalog(catalog_url))
        self._rejects = RejectReasons(store_uri)
        self._turn = threading.Lock()

    def describe(self) -> Iterable[Family]:
        """Say nothing before the first scrape, which may take a while."""
        return ()

    def collect(self) -> Iterable[Family]:
        """Give all families; `poolscore_catalog_up 0` alone when the catalog cannot be read."""
        families = {metric: _family(metric) for metric in metrics.EXPORTER_METRICS}
        began = perf_counter()
        try:
            with self._turn:
                self._fill(families)
        except PoolscoreError as error:
            _log.warning("the catalog could not be read: %s", error.message)
            return [_down()]
        except Exception:  # tables that a newer version has changed: a dead page would not say so
            _log.exception("the catalog could not be read")
            return [_down()]
        families[metrics.CATALOG_UP].add_metric((), 1)
        families[metrics.SCRAPE_SECONDS].add_metric((), perf_counter() - began)
        return families.values()

    def _fill(self, families: dict[Metric, Family]) -> None:
        pools = self._states.read()
        rejects = self._rejects.of(each.snapshot for each in pools if each.snapshot)
        for pool in pools:
            sha256 = pool.snapshot.manifest_sha256 if pool.snapshot else ""
            for metric, labels, value in samples(pool, rejects.get(sha256, {})):
                families[metric].add_metric((pool.pool_id, *labels), value)


def _down() -> Family:
    family = _family(metrics.CATALOG_UP)
    family.add_metric((), 0)
    return family


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.kind is MetricKind.COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.description, labels=metric.labels)
