import re

from pipelines.metrics import PIPELINE_METRICS
from poolscore.metric import MetricKind
from services.exporter.metrics import EXPORTER_METRICS
from services.metrics import SERVICE_METRICS
from services.metrics_page import PAGE, page

ALL = (*EXPORTER_METRICS, *SERVICE_METRICS, *PIPELINE_METRICS)


def test_the_page_is_what_the_declarations_say() -> None:
    assert PAGE.read_text() == page(), "run `make metrics`"


def test_names_are_those_that_prometheus_asks_for() -> None:
    assert len({metric.name for metric in ALL}) == len(ALL)
    for metric in ALL:
        assert re.fullmatch(r"poolscore(_[a-z]+)+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
        assert not metric.name.endswith(("_count", "_sum", "_bucket", "_info"))
        assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
        assert list(metric.buckets) == sorted(metric.buckets)
        assert metric.description.endswith(".")


def test_no_label_holds_the_name_of_anything_but_a_pool() -> None:
    labels = {label for metric in ALL for label in metric.labels}
    bounded = {"reason", "kind", "state", "stage", "outcome", "origin"}
    bounded |= {"method", "code", "result", "pid"}
    assert labels == {"pool"} | bounded
