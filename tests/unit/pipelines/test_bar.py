import io

import pytest
from rich.console import Console

from pipelines.bar import duration, run_bar
from poolscore.store.records import RunProgress

NOW = RunProgress(
    total=20,
    done=5,
    resumed=0,
    rejects={"EMPTY": 1},
    rate=2.0,
    seconds_left=7.5,
    message="embedding",
)


def a_console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80, _environ={})


def text(console: Console) -> str:
    """What stays on the screen: a line that is erased afterwards does not."""
    assert isinstance(console.file, io.StringIO)
    lines: list[str] = [""]
    written = console.file.getvalue().replace("\x1b[1A\x1b[2K", "\b")
    for character in written:
        if character == "\b":
            lines.pop()
            lines[-1] = ""
        elif character == "\r":
            pass
        elif character == "\n":
            lines.append("")
        else:
            lines[-1] += character
    return "\n".join(lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_never_began_leaves_nothing(terminal: bool) -> None:
    console = a_console(terminal=terminal)
    with pytest.raises(ValueError, match="no such source"), run_bar(console):
        raise ValueError("no such source")
    assert "0/?" not in text(console)
    assert "starting" not in text(console)
    if not terminal:
        assert text(console) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_ends_leaves_its_last_state(terminal: bool) -> None:
    console = a_console(terminal=terminal)
    with run_bar(console) as bar:
        bar.show(NOW)
    left = text(console)
    assert "starting" not in left
    assert all(word in left for word in ("embedding", "5/20", "2 images/s", "0:08 left"))
    assert "1 rejected" in left


def test_a_closed_bar_stays_closed() -> None:
    console = a_console(terminal=False)
    with run_bar(console) as bar:
        bar.show(NOW)
        bar.close()
        said = text(console)
    assert text(console).strip() == said.strip()


def test_duration() -> None:
    assert [duration(s) for s in (7.5, 61, 3661)] == ["0:08", "1:01", "1:01:01"]
