"""The results file and the table on the screen."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.benchmark import Benchmark, Measurement

LATEST = Path(__file__).parent / "results" / "latest.json"


def result(
    benchmark: Benchmark, measured: Measurement, machine: dict[str, object]
) -> dict[str, Any]:
    """One entry of the results file."""
    return {
        "name": benchmark.name,
        "value": measured.value,
        "unit": benchmark.unit,
        "ratio": measured.ratio,
        "limit": measured.limit,
        "peer": benchmark.peer,
        "floor": benchmark.floor,
        "passed": measured.ratio >= benchmark.floor,
        "machine": machine,
        "command": benchmark.command,
        "workload": benchmark.workload,
        "details": dict(measured.details),
    }


def save(
    results: list[dict[str, Any]], path: Path = LATEST, *, failed: Collection[str] = ()
) -> None:
    """Replace the entries measured now, drop those that failed, and keep those of others."""
    kept: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    merged = {entry["name"]: entry for entry in kept + results if entry["name"] not in failed}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(sorted(merged.values(), key=lambda entry: entry["name"]), indent=2)
    path.write_text(text + "\n")


def show(results: list[dict[str, Any]], console: Console) -> None:
    """One row a benchmark, the failed ones in red."""
    table = Table("benchmark", "value", "limit", "ratio to peer", "floor", "passed", "peer")
    for entry in results:
        table.add_row(
            entry["name"],
            f"{entry['value']:.3g} {entry['unit']}",
            f"{entry['limit']:.3g} {entry['unit']}",
            f"{entry['ratio']:.2f}",
            f"{entry['floor']:g}",
            "yes" if entry["passed"] else "NO",
            entry["peer"],
            style=None if entry["passed"] else "red",
        )
    console.print(table)
