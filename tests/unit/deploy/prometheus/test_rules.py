"""The files for Prometheus, as far as they can be judged without it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.grafana.generate.files import FOLDER as DASHBOARDS
from pipelines.metrics import PIPELINE_METRICS
from poolscore.metric import MetricKind
from services.exporter.metrics import EXPORTER_METRICS
from services.metrics import SERVICE_METRICS

PROMETHEUS = Path(__file__).parents[4] / "deploy" / "prometheus"
DECLARED = {
    name
    for metric in (*EXPORTER_METRICS, *SERVICE_METRICS, *PIPELINE_METRICS)
    for name in (
        [f"{metric.name}_{part}" for part in ("bucket", "sum", "count")]
        if metric.kind is MetricKind.HISTOGRAM
        else [metric.name]
    )
}


def rules(file: str) -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((PROMETHEUS / "rules" / file).read_text())["groups"]:
        yield from group["rules"]


ALERTS = list(rules("alerts.yml"))
RECORDED = {rule["record"] for rule in rules("recording.yml")}


def expressions() -> Iterator[str]:
    for rule in (*ALERTS, *rules("recording.yml")):
        yield rule["expr"]
    for file in DASHBOARDS.iterdir():
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield target["expr"]


def test_everything_that_is_asked_for_is_declared() -> None:
    used: set[str] = set()
    for expression in expressions():
        without_labels = re.sub(r"\{[^}]*\}", "", expression)
        used |= set(re.findall(r"[\w:]*poolscore_[\w:]+", without_labels))
    assert not used - DECLARED - RECORDED
    assert not RECORDED - used, "nobody asks for it"


def test_alerts_say_what_is_wrong_and_what_to_do() -> None:
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"Poolscore[A-Z]\w+", alert["alert"])
        assert alert["labels"]["severity"] in ("page", "ticket")
        said = alert["annotations"]
        assert said.keys() == {"summary", "description", "what_to_do"}
        assert all(text.endswith(".") for text in said.values()), alert["alert"]
        assert said["what_to_do"] not in (said["summary"], said["description"])


def test_every_alert_is_in_the_readme() -> None:
    named = re.findall(r"`(Poolscore\w+)`", (PROMETHEUS / "README.md").read_text())
    assert sorted(named) == sorted(alert["alert"] for alert in ALERTS)


def test_the_jobs_are_those_that_alerts_ask_for() -> None:
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    asked = {job for each in expressions() for job in re.findall(r'job="([^"]+)"', each)}
    assert {job["job_name"] for job in jobs} == asked
