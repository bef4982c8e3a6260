"""The figures in docs/operations.md are those that were measured."""

import json
import re

import pytest

PAGE = "docs/operations.md"
_ROW = re.compile(r"^\| `([a-z0-9_]+)` \| ([\d.]+) (?:\S+) \|", re.MULTILINE)


@pytest.fixture
def text(pytestconfig: pytest.Config) -> str:
    return (pytestconfig.rootpath / PAGE).read_text()


def test_what_is_called_measured_was_measured(text: str, pytestconfig: pytest.Config) -> None:
    results = pytestconfig.rootpath / "bench" / "results" / "latest.json"
    measured = {each["name"]: each for each in json.loads(results.read_text())}
    rows = _ROW.findall(text)
    assert len(rows) == text.count("| `", text.index("### Measured"), text.index("Bytes of an"))
    for name, written in rows:
        found = measured[name]
        assert not found["machine"]["gpu"]
        # Rates are in the details, since these benchmarks compare them with a peer's.
        rates = found["details"].get("pipeline_per_s")
        value: float = sorted(rates)[1] if rates else found["value"]
        digits = len(written.partition(".")[2])
        assert written == f"{value:.{digits}f}", name
