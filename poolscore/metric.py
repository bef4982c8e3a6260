"""What a metric is declared as; the page of all metrics is written from the declarations."""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """Prometheus' kinds."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric: base units, and labels of few values. A pool's name is the only name in them."""

    name: str
    kind: MetricKind
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper ends of a histogram's buckets, without infinity."""


def counter(name: str, description: str, *labels: str) -> Metric:
    """Declare what only grows; the name ends with `_total`."""
    return Metric(name, MetricKind.COUNTER, description, labels)


def gauge(name: str, description: str, *labels: str) -> Metric:
    """Declare what goes up and down."""
    return Metric(name, MetricKind.GAUGE, description, labels)


def histogram(name: str, description: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    """Declare a distribution."""
    return Metric(name, MetricKind.HISTOGRAM, description, labels, buckets)
