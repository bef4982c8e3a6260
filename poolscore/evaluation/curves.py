"""Figures of a study as SVG: the same study gives the same bytes.

The default is thick with a band of one standard deviation over seeds; the others are thin, with a
faint band where there are few of them. Colours are those of Okabe and Ito (2008), which
colour-blind people tell apart; where there are more lines than colours, dashes help.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, product
from typing import TYPE_CHECKING, Any

from poolscore.evaluation.aggregate import ArmCells, Comparison, auroc_of
from poolscore.evaluation.spread import Spread
from poolscore.evaluation.tables import SIGNALS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OURS = "#0072B2"
_OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
_DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
_FEW = 6
"""Lines of a panel whose bands can still be told apart."""
_MARKS = 10
"""Budgets that can be read one by one below a panel."""
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "poolscore",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


@dataclass(frozen=True)
class _Line:
    name: str
    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    strong: bool
    x: Sequence[float] = ()
    y: Sequence[Spread] = ()


@dataclass(frozen=True)
class _Panel:
    title: str
    remark: str
    lines: Sequence[_Line]


def learning_curves(comparisons: Sequence[Comparison], arms: Sequence[str], default: str) -> bytes:
    """Return an SVG of accuracy against answers from round 1 on, a panel a comparison.

    `arms` are named in this order; the zero-shot accuracy, which is no choice's merit, stands in
    the title. Comparisons without seeds are left out; raises ValueError when none is left.
    """
    styles = _styles(arms, default)
    panels = [
        _Panel(comparison.name, _remark(comparison), [_accuracy(comparison, s) for s in styles])
        for comparison in comparisons
        if comparison.seeds
    ]
    return _draw(panels, "answers", "accuracy on the test images, %")


def auroc_curves(arms: Sequence[tuple[str, ArmCells]]) -> bytes:
    """Return an SVG of the AUROC of the four signals by round, a panel a (title, cells of one arm).

    Raises ValueError without any.
    """
    styles = _styles(list(SIGNALS), "correctness")
    panels = [
        _Panel(title, "", [_auroc(cells, style) for style in styles]) for title, cells in arms
    ]
    return _draw(panels, "round", 'AUROC for "the prediction is right"')


def _styles(names: Sequence[str], default: str) -> list[_Line]:
    free = cycle(product(_DASHES, _OTHERS))
    styles: list[_Line] = []
    for name in names:
        if name == default:
            styles.append(_Line(name, _OURS, "solid", strong=True))
        else:
            dash, colour = next(free)
            styles.append(_Line(name, colour, dash, strong=False))
    return styles


def _remark(comparison: Comparison) -> str:
    zero_shot = comparison.arms[0].at(0, lambda entry: entry.accuracy)
    start = f"zero-shot {100 * zero_shot.mean:.1f} %" if zero_shot.n else ""
    return ", ".join(part for part in (start, comparison.remark) if part)


def _accuracy(comparison: Comparison, style: _Line) -> _Line:
    cells = comparison.arm(style.name)
    numbers = [number for number in comparison.rounds if number > 0] if cells.cells else []
    spreads = [cells.at(number, lambda entry: 100 * entry.accuracy) for number in numbers]
    answers = [cells.at(number, lambda entry: entry.answers).mean for number in numbers]
    return replace(style, x=answers, y=spreads)


def _auroc(cells: ArmCells, style: _Line) -> _Line:
    numbers = [entry.number for entry in cells.cells[0].rounds]
    spreads = {number: cells.at(number, auroc_of(style.name)) for number in numbers}
    there = {number: value for number, value in spreads.items() if value.n}
    return replace(style, name=SIGNALS[style.name], x=list(there), y=list(there.values()))


def _draw(panels: Sequence[_Panel], x_name: str, y_name: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if not panels:
        raise ValueError("there is nothing to draw")
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    with rc_context(_SETTINGS):
        layout = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08)
        figure = Figure(figsize=(1.9 + 3.9 * columns, 0.5 + 2.7 * rows), layout=layout)
        places = figure.subplots(rows, columns, squeeze=False)
        for place in places.flat[len(panels) :]:
            place.set_visible(False)
        for panel, place in zip(panels, places.flat, strict=False):
            _draw_panel(panel, place)
        figure.supxlabel(x_name, fontsize=9)
        figure.supylabel(y_name, fontsize=9)
        figure.legend(
            *places.flat[0].get_legend_handles_labels(),
            loc="outside right center", frameon=False, handlelength=2.6,
        )  # fmt: skip
        return _svg(figure)


def _draw_panel(panel: _Panel, place: "Axes") -> None:
    # Below the title and not beside it: names of data sets can be long.
    place.set_title(panel.title, loc="left", fontweight="bold", pad=18 if panel.remark else 6)
    place.text(0, 1.035, panel.remark, transform=place.transAxes, fontsize=8, color="#555555")
    marks = next((line.x for line in panel.lines if line.strong and len(line.x) <= _MARKS), ())
    if marks:
        place.set_xticks(marks, [f"{mark:,.0f}" for mark in marks])
    few = len(panel.lines) <= _FEW
    for line in panel.lines:
        place.plot(
            line.x, [value.mean for value in line.y], label=line.name, color=line.colour,
            linestyle=line.dash, linewidth=2.8 if line.strong else 1.1,
            zorder=3 if line.strong else 2,
        )  # fmt: skip
        if line.strong or few:
            low = [value.mean - value.std for value in line.y]
            high = [value.mean + value.std for value in line.y]
            alpha = 0.22 if line.strong else 0.1
            place.fill_between(line.x, low, high, color=line.colour, alpha=alpha, linewidth=0)


def _svg(figure: "Figure") -> bytes:
    file = io.BytesIO()
    # Neither the hour nor the version of the drawing library belongs to the study.
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
