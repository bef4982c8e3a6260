"""How `poolscore` ends, as shells see it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from poolscore.cli.main import main

_LIMIT_S = 60
# A job in the background of a shell is started with interrupts ignored.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from poolscore.cli.main import main
main()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path))


def code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["poolscore", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_done_is_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert code(monkeypatch, "pool", "list", "--json") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_failed_is_1_and_one_line_says_why(
    json: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(monkeypatch, "pool", "show", "gone", *json) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: there is no pool 'gone'")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("wrong", [["pool", "shwo"], ["pool", "show"], ["status", "p", "--sizes"]])
def test_a_wrong_usage_is_2(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(monkeypatch, *wrong) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "Usage: " in errors


def test_interrupted_is_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(_LIMIT_S)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-c", _START, "status", "p", "--address", address],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.accept()  # from now on it waits for an answer
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=_LIMIT_S)
    assert (process.returncode, output) == (130, "")
    assert "Traceback" not in errors
