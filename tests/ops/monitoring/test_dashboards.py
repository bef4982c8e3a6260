"""Every panel of every dashboard, asked of a real Prometheus that watches a real service."""

import json
import re
from collections.abc import Iterator
from threading import Event
from time import monotonic

import pytest

from tests.ops.monitoring.conftest import Watched
from tests.ops.monitoring.prometheus import DEPLOY
from tests.ops.monitoring.work import POOL

DEADLINE_S = 30.0
FILES = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
_METRIC = re.compile(r"[\w:]*poolscore_[\w:]+(?![\w:]*\")|\bup\b")
"""Of the project, or Prometheus' own; not what stands in quotes."""


def queries() -> Iterator[tuple[str, str]]:
    """Where each query is, and what it asks for as Grafana would send it."""
    for file in FILES:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                asked = target["expr"].replace("$__rate_interval", "10s").replace("$pool", POOL)
                assert "$" not in asked
                yield f"{file.stem}: {panel['title']} {target['refId']}", asked


def test_there_are_dashboards_for_runs_the_loop_and_the_api() -> None:
    assert [file.stem for file in FILES] == ["api", "loop", "runs"]


@pytest.mark.timeout(300)
def test_every_panel_has_data(watched: Watched) -> None:
    missing, deadline = dict(queries()), monotonic() + DEADLINE_S
    assert len(missing) > 40
    while missing and monotonic() < deadline:
        missing = {name: asked for name, asked in missing.items() if not watched.has_data(asked)}
        # Ray reports each second, and Prometheus reads the page each second.
        Event().wait(0.5 if missing else 0)
    assert not missing


def test_a_metric_of_another_name_would_be_missed(watched: Watched) -> None:
    for name, asked in queries():
        metrics = set(_METRIC.findall(asked))
        assert metrics, name
        for metric in metrics:
            renamed = re.sub(rf"(?<![\w:]){metric}(?![\w:])", f"{metric}_renamed", asked)
            assert renamed != asked
            assert not watched.has_data(renamed), (name, metric)
