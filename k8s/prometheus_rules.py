"""Wraps deploy/prometheus/rules into the Prometheus operator's kind; `make k8s-rules` runs it.

Kustomize puts no file into the field of an object. A test compares the two.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy" / "prometheus" / "rules"
WRITTEN = ROOT / "k8s" / "components" / "monitoring" / "prometheus-rules.yaml"

_HEADER = "# Written by `make k8s-rules` from deploy/prometheus/rules; do not edit.\n"


def render() -> str:
    """The object, with the groups of all files in the order of their names."""
    files = sorted(RULES.glob("*.yml"))
    groups: list[Any] = [
        group for file in files for group in yaml.safe_load(file.read_text())["groups"]
    ]
    rules = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "poolscore", "labels": {"app.kubernetes.io/part-of": "poolscore"}},
        "spec": {"groups": groups},
    }
    return _HEADER + yaml.safe_dump(rules, sort_keys=False, width=100)


if __name__ == "__main__":
    WRITTEN.write_text(render())
