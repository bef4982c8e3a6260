import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.benchmark import Benchmark, Measurement
from bench.results import result, save, show


def _entry(name: str, ratio: float) -> dict[str, Any]:
    benchmark = Benchmark(name, "work", "s", "the peer", 2.0, lambda: Measurement(1, ratio, 0.5))
    return result(benchmark, benchmark.measure(), {"cpu": "a processor"})


@pytest.mark.parametrize(("ratio", "passed"), [(1.99, False), (2.0, True)])
def test_the_floor_decides(ratio: float, passed: bool) -> None:
    assert _entry("one", ratio)["passed"] is passed


def test_an_entry_says_how_to_repeat_it() -> None:
    entry = _entry("one", 3.0)
    declared = {"name", "value", "unit", "ratio", "limit", "peer", "floor"}
    assert declared | {"passed", "machine", "command"} <= entry.keys()
    assert entry["command"] == "python -m bench one"


def test_a_single_benchmark_leaves_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    save([_entry("b", 3.0), _entry("a", 3.0)], path)
    save([_entry("b", 1.0)], path)
    assert [(e["name"], e["passed"]) for e in json.loads(path.read_text())] == [
        ("a", True),
        ("b", False),
    ]


def test_one_that_failed_keeps_no_entry_of_a_better_day(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    save([_entry("b", 3.0), _entry("a", 3.0)], path)
    save([_entry("c", 3.0)], path, failed=["b"])
    assert [entry["name"] for entry in json.loads(path.read_text())] == ["a", "c"]


def test_the_table_names_peer_and_floor() -> None:
    screen = io.StringIO()
    show([_entry("one", 1.0)], Console(file=screen, width=120))
    for part in ("one", "the peer", "NO", "2"):
        assert part in screen.getvalue()
