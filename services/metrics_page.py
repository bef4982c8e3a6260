"""Writes docs/metrics.md from the declarations (`make metrics`)."""

from collections.abc import Iterable
from pathlib import Path

from pipelines.metrics import PIPELINE_METRICS
from poolscore.metric import Metric, MetricKind
from services.exporter.metrics import EXPORTER_METRICS
from services.metrics import SERVICE_METRICS

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

_INTRODUCTION = """# Metrics

Written by `make metrics` from the declarations in the code; do not edit.

There are two pages to scrape, which `poolscore serve` names when it starts:

* **Pools**, from the catalog: `POOLSCORE_METRICS_ADDRESS`, by default `127.0.0.1:9001`, of
  `poolscore serve`, or of `poolscore exporter` anywhere with the same `POOLSCORE_CATALOG` and
  `POOLSCORE_STORE`. Scrape one of them. Nobody is asked for a token and pools are named: open it to
  the monitoring network only.
* **Processes** (API replicas, workers, encoders), from Ray: every node of the cluster has a page.
  Where `poolscore serve` starts Ray, `POOLSCORE_RAY_METRICS_PORT` fixes its port; a cluster's nodes
  have it from `ray start --metrics-export-port`. Ray listens on all interfaces, so keep the port
  inside as Ray's other ones. It reports every ten seconds and adds labels of its own, among them
  `WorkerId`, the process, to histograms: sum over them. It puts `ray_` before the names, which the
  configuration takes off again.

[deploy/prometheus](../deploy/prometheus/README.md) has a configuration that does so, alerts and
dashboards.

Units are seconds, images and labels. The only names in labels are those of pools.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## Pools\n",
            *_table(EXPORTER_METRICS),
            "\n## Calls, leases, labels and runs\n",
            "Counters start at 0 with the process, and count what happened in the service.\n",
            *_table(SERVICE_METRICS),
            "\n## Jobs\n",
            "Also of `poolscore embed`. Work that a killed process repeats is counted again.\n",
            *_table(PIPELINE_METRICS),
            "",
        ]
    )


def _table(metrics: Iterable[Metric]) -> Iterable[str]:
    yield "| metric | kind | labels | meaning |"
    yield "|---|---|---|---|"
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        meaning = metric.description
        if metric.kind is MetricKind.HISTOGRAM:
            meaning += f" Buckets to {metric.buckets[0]:g} ... {metric.buckets[-1]:g} s."
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {meaning} |"


if __name__ == "__main__":
    PAGE.write_text(page())
