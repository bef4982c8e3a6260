import io

from rich.console import Console

from services.demo.screen import Screen
from services.report.data import CurvePoint

POINT = CurvePoint(
    labels=32, accuracy=0.615, accuracy_random=0.5, auroc_p_clean=0.75, auroc_max_prob=0.8125
)


def lines(terminal: bool) -> list[str]:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=terminal, width=120, color_system=None))
    with screen.table():
        screen.working("training")
        screen.round(1, POINT, 12.3)
    return out.getvalue().splitlines()


def test_a_log_gets_one_plain_line_a_round():
    header, row = lines(terminal=False)
    assert header.split() == (
        [
            "round",
            "labels",
            "accuracy",
            "random",
            "AUROC",
            "p_clean",
            "AUROC",
            "max-prob",
            "seconds",
        ]
    )
    assert row.split() == ["1", "32", "61.5%", "50.0%", "0.750", "0.812", "12.3"]


def test_a_terminal_gets_a_table():
    last = "\n".join(lines(terminal=True))
    assert "61.5%" in last
    assert "AUROC p_clean" in last
