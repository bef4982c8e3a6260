"""Configuration and rules, judged by Prometheus' own tool."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.ops.monitoring.prometheus import DEPLOY

PROMETHEUS = DEPLOY / "prometheus"
CASES = Path(__file__).with_name("alerts_test.yml")


def promtool(*arguments: str) -> str:
    outcome = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, said
    return said


def test_the_configuration_and_its_rules_are_valid() -> None:
    said = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert "2 rule files found" in said
    promtool("check", "rules", *map(str, sorted((PROMETHEUS / "rules").glob("*.yml"))))


def test_alerts_fire_and_clear() -> None:
    promtool("test", "rules", str(CASES))


def test_every_alert_is_seen_firing_and_cleared_afterwards() -> None:
    fired: set[str] = set()
    cleared: set[str] = set()
    for case in yaml.safe_load(CASES.read_text())["tests"]:
        times: dict[str, int] = {}
        for each in case["promql_expr_test"]:
            alert = re.fullmatch(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', each["expr"])
            if alert is None:
                continue
            when = int(each["eval_time"].removesuffix("m"))
            if each["exp_samples"]:
                fired.add(alert[1])
                times[alert[1]] = when
            elif when > times.get(alert[1], when):
                cleared.add(alert[1])
    groups = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    assert fired == cleared == alerts
