"""docs/tutorial.md, word for word: every command in an empty folder, against a service."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)

_LIMIT_S = 540
_FENCE = re.compile(r"^```(bash|bash service)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Terminal:
    """A shell that stops at the first command that fails."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        # Nothing the shell reads waits for ever: what it runs dies with it.
        self._limit = threading.Timer(_LIMIT_S, self._kill)
        self._limit.start()

    def type(self, commands: str, until: str) -> str:
        """Run commands until a line has `until` in it; returns what was said. AssertionError when
        the shell ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(commands)
        self._process.stdin.flush()
        said = list[str]()
        for line in self._process.stdout:
            said.append(line)
            if until in line:
                return "".join(said)
        raise AssertionError(f"failed:\n{commands}\n{''.join(said)}")

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; returns the exit code of the shell and what was said at last."""
        os.killpg(self._process.pid, signal.SIGINT)
        output, _ = self._process.communicate(timeout=_LIMIT_S)
        return self._process.returncode, output

    def close(self) -> None:
        """End everything that still runs."""
        self._limit.cancel()
        if self._process.poll() is None:
            self._kill()
        self._process.communicate()

    def _kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)


@pytest.fixture
def terminals(tmp_path: Path) -> Generator[tuple[Terminal, Terminal]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    root = str(Path(__file__).parents[2])
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("POOLSCORE_")
    } | {
        # As after `. .venv/bin/activate`; the ports of the words may be taken.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]),
        "POOLSCORE_ADDRESS": f"127.0.0.1:{port}",
        "POOLSCORE_METRICS_ADDRESS": "127.0.0.1:0",
        # Two rounds in seconds; how good they are is not looked at.
        "POOLSCORE_TRAINING": '{"min_steps": 20}',
        "COLUMNS": "160",
    }
    first, second = Terminal(tmp_path, environment), Terminal(tmp_path, environment)
    yield first, second
    first.close()
    second.close()


def test_every_command_does_what_the_tutorial_says(
    terminals: tuple[Terminal, Terminal], pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    text = (pytestconfig.rootpath / "docs" / "tutorial.md").read_text()
    blocks = _FENCE.findall(text)
    assert len(blocks) == text.count("```bash")
    first, second = terminals
    said = ""
    for kind, commands in blocks:
        if kind == "bash service":
            second.type(commands, "Ctrl-C stops the service")
        else:
            said += first.type(f"{commands}echo '--- done ---'\n", "--- done ---")
    code, last = second.interrupt()
    assert "stopped; pools, runs and answers are kept" in last
    assert code == 0
    for words in (
        "245 embedded, 5 rejected",
        "batch 2: 32 images for me",
        "32 of 32 answers recorded",
        "prompt version 2 is active",
        "All is whole",
        "ACTIVATE",
    ):
        assert words in said, said
    report = (tmp_path / "tutorial" / "shop.html").read_text()
    assert "64 of 245 images are answered" in report
    assert report.count("data:image/jpeg") == 24
    assert len((tmp_path / "tutorial" / "labels.jsonl").read_text().splitlines()) == 64
