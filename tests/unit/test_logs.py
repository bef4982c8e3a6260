import json
import logging
import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from poolscore.access.token import new_token
from poolscore.config import LogSettings, Settings
from poolscore.errors import InvalidInputError
from poolscore.logs import OWN, configure_logs

Written = Callable[[], list[dict[str, Any]]]

_log = logging.getLogger("services.test")


@pytest.fixture(autouse=True)
def loggers_as_before() -> Generator[None]:
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in OWN}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    """Lines of JSON since the last time."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_object_with_what_is_bound(written: Written) -> None:
    configure_logs(LogSettings())
    with bound_contextvars(pool="pets", run=3):
        _log.info("run %s", "ended", extra={"duration_s": 1.5})
    _log.warning("afterwards,\nin two lines")
    first, second = written()
    assert list(first)[:3] == ["time", "level", "event"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(first.pop("time"))).total_seconds() < 60
    assert first == {
        "level": "info",
        "event": "run ended",
        "logger": "services.test",
        "pool": "pets",
        "run": 3,
        "duration_s": 1.5,
    }
    assert (second["level"], second["event"]) == ("warning", "afterwards,\nin two lines")
    assert "pool" not in second


def test_an_exception_is_a_field(written: Written) -> None:
    configure_logs(LogSettings())
    try:
        raise KeyError("what")
    except KeyError:
        _log.exception("incident %s", "1f")
    (line,) = written()
    assert line["event"] == "incident 1f"
    what, where = line["exception"].split(" < ")
    assert what == "KeyError: 'what'"
    assert re.fullmatch(rf"{__name__}:\d+ test_an_exception_is_a_field", where)


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_written(form: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(form))
    token = new_token()
    try:
        raise ValueError(f"not {token.text} at postgresql://me:hidden@db/pools")
    except ValueError:
        _log.exception("with %s", token.text, extra={"url": "https://me:hidden@host/x"})
    said = capsys.readouterr().err
    assert token.secret not in said
    assert "hidden" not in said
    assert said.count(f"ps_{token.token_id}_***") >= 2
    assert "postgresql://me:***@db/pools" in said


def test_levels(written: Written) -> None:
    configure_logs(LogSettings())
    _log.debug("not said")
    logging.getLogger("sqlalchemy.pool").info("not said")
    logging.getLogger("sqlalchemy.pool").warning("said")
    assert [line["event"] for line in written()] == ["said"]
    configure_logs(LogSettings(level="DEBUG"))  # in place of the first, not beside it
    _log.debug("said")
    assert [line["event"] for line in written()] == ["said"]


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings("text"))
    _log.info("run ended", extra={"pool": "pets"})
    said = capsys.readouterr().err
    assert "run ended" in said
    assert "pool=pets" in said
    assert "\x1b" not in said


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_LOG_FORMAT", "text")
    monkeypatch.setenv("POOLSCORE_LOG_LEVEL", "DEBUG")
    assert Settings().logs == LogSettings("text", "DEBUG")
    monkeypatch.setenv("POOLSCORE_LOG_LEVEL", "LOUD")
    with pytest.raises(InvalidInputError, match="POOLSCORE_LOG_LEVEL"):
        Settings()


def test_what_is_not_written_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings())
    began = perf_counter()
    for _ in range(1000):
        _log.debug("call ended", extra={"code": "OK"})
    assert (perf_counter() - began) / 1000 < 100e-6
    assert capsys.readouterr().err == ""
