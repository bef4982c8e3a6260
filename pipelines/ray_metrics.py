"""Metrics that Ray collects from every process of a node and shows at the node's metrics port.

Ray puts `ray_` before the names. A process that has no Ray counts nothing.

Telling Ray a number takes longer than most of what is counted, so that counters and gauges are
added up here and handed over every second.
"""

import atexit
import threading
from collections import defaultdict
from functools import cache

from ray.util.metrics import Counter, Gauge, Histogram

from poolscore.metric import Metric

_HAND_OVER_S = 1.0
Series = tuple[Metric, tuple[tuple[str, str], ...]]
"""A metric and the values of its labels."""


class _Pending:
    """What Ray was not told yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added: dict[Series, float] = defaultdict(float)
        self._shown: dict[Series, float] = {}
        self._ended = threading.Event()
        threading.Thread(target=self._keep_handing_over, daemon=True, name="metrics").start()
        atexit.register(self._end)

    def add(self, series: Series, count: float) -> None:
        with self._lock:
            self._added[series] += count

    def show(self, series: Series, value: float) -> None:
        with self._lock:
            self._shown[series] = value

    def _keep_handing_over(self) -> None:
        while not self._ended.wait(_HAND_OVER_S):
            self._hand_over()

    def _end(self) -> None:
        self._ended.set()
        self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            added, shown = self._added, self._shown
            self._added, self._shown = defaultdict(float), {}
        for (metric, labels), count in added.items():
            _counter(metric).inc(count, dict(labels))
        for (metric, labels), value in shown.items():
            _gauge(metric).set(value, dict(labels))


@cache
def _pending() -> _Pending:
    return _Pending()


def add(metric: Metric, count: float = 1, **labels: str) -> None:
    """Add to what is declared as a counter."""
    if count:
        _pending().add((metric, tuple(labels.items())), count)


def show(metric: Metric, value: float, **labels: str) -> None:
    """Set what is declared as a gauge."""
    _pending().show((metric, tuple(labels.items())), value)


def observe(metric: Metric, value: float, **labels: str) -> None:
    """Put a value into what is declared as a histogram."""
    _histogram(metric).observe(value, labels)


@cache
def _counter(metric: Metric) -> Counter:
    return Counter(metric.name, metric.description, metric.labels)


@cache
def _gauge(metric: Metric) -> Gauge:
    return Gauge(metric.name, metric.description, metric.labels)


@cache
def _histogram(metric: Metric) -> Histogram:
    return Histogram(metric.name, metric.description, list(metric.buckets), metric.labels)
