import json
import math
from datetime import UTC, datetime

import pytest

from poolscore.cli.json_lines import print_json
from poolscore.integrity.finding import Finding, Rule
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from tests.unit.cli.command_tree import commands

CHANGING = {
    "admin export", "admin import", "demo", "edge", "embed", "evaluate", "exporter", "health",
    "label", "label-studio", "labels retract", "lease", "neighbours", "photographs", "pool create",
    "pool delete", "pool undelete", "pool update", "prompts activate", "prompts train", "report",
    "rescore", "review", "serve", "token create", "token revoke", "tune",
}  # fmt: skip
"""Commands that change, start or write something, or answer by their exit code; every other one
shows something."""


def test_every_command_that_shows_something_has_json() -> None:
    found = commands()
    assert set(found) >= CHANGING
    reading = set(found) - CHANGING
    assert "labels conflicts" in reading
    assert [name for name in sorted(reading) if "--json" not in found[name]] == []


def test_messages_keep_the_names_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(pool_pb.Pool(name="pools/a", counts=pool_pb.PoolCounts(embedded=5)))
    shown = json.loads(capsys.readouterr().out)
    assert shown["train_after_labels"] == 0
    assert shown["counts"] == {"embedded": "5", "rejected": "0", "answered": "0", "leased": "0"}
    assert "encoder" not in shown


def test_one_object_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        {
            "versions": [prompt_pb.PromptVersion(metrics={"loss": math.nan})],
            "finding": Finding(Rule.BUDGET, "pools/a", "line\nline \N{SNOWMAN}", "mend it"),
            "pools": frozenset({"b", "a"}),
            "time": datetime(2030, 1, 2, tzinfo=UTC),
        }
    )
    line, *more = capsys.readouterr().out.splitlines()
    assert more == []
    shown = json.loads(line)
    assert shown["versions"][0]["metrics"] == {"loss": "NaN"}
    assert shown["finding"]["rule"] == "BUDGET"
    assert shown["finding"]["what"].endswith("\N{SNOWMAN}")
    assert shown["pools"] == ["a", "b"]
    assert shown["time"] == "2030-01-02T00:00:00+00:00"


def test_what_has_no_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        print_json({"what": object()})
