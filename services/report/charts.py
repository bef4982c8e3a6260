"""Line charts and histograms as inline SVG, drawn with the colours of the page's style sheet.

Only x is relative (0..100 % of the width), so that text and strokes keep their size on every
screen: marks sit at percentages, paths in a nested area that is stretched without its strokes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from services.report.svg import element, spread, ticks

HEIGHT = 232
_LABEL_GAP = 33.0


@dataclass(frozen=True)
class Line:
    """One line of a chart; points whose value is not finite leave a gap."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str
    """CSS class: `ours`, `control` or `baseline`."""
    marked: bool = True


@dataclass(frozen=True)
class Axis:
    """The values of a chart from bottom to top."""

    low: float
    high: float
    tick: Callable[[float], str]
    value: Callable[[float], str]


def fit(
    values: Sequence[float], tick: Callable[[float], str], value: Callable[[float], str]
) -> Axis:
    """An axis with a little air around the finite values, inside 0..1."""
    finite = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
    air = max(0.02, 0.08 * (max(finite) - min(finite)))
    marks = ticks(max(0.0, min(finite) - air), min(1.0, max(finite) + air), 6)
    return Axis(max(0.0, marks[0]), min(1.0, marks[-1]), tick, value)


def line_chart(
    lines: Sequence[Line], axis: Axis, *, label: str, x_label: str, y_label: str
) -> Markup:
    """Lines over labels spent, each named at its right end."""
    drawn = [line for line in lines if _finite(line)]
    if not drawn:
        return element("p", "Not measured.", class_="empty")
    right = max([x for line in lines for x, _ in line.points] + [1.0])
    positions = sorted({x for line in lines for x, _ in line.points})
    parts = [_horizontal(axis, y_label), _x_axis(_x_marks(positions, right), right, x_label)]
    parts += [_path(line, axis, right) for line in drawn]
    parts += [_dots(line, axis, right) for line in drawn if line.marked]
    parts.append(_end_labels(drawn, axis))
    return element(
        "svg", *parts, class_="chart", role="img", aria_label=label, height=HEIGHT, width="100%"
    )


def _finite(line: Line) -> list[tuple[float, float]]:
    return [(x, y) for x, y in line.points if math.isfinite(y)]


def _y(axis: Axis, value: float) -> float:
    return HEIGHT * (1 - (value - axis.low) / (axis.high - axis.low))


def _horizontal(axis: Axis, name: str) -> Markup:
    parts = [element("text", name, x=0, y=-16, class_="name")]
    for mark in ticks(axis.low, axis.high, 6):
        if axis.low - 1e-9 <= mark <= axis.high + 1e-9:
            y = _y(axis, mark)
            parts.append(element("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"))
            text = element(
                "text", axis.tick(mark), x=0, y=y, dx=-10, dy="0.35em", class_="tick end"
            )
            parts.append(text)
    return Markup("").join(parts)


def _x_marks(positions: Sequence[float], right: float) -> list[float]:
    """The measured places themselves where they stand apart, else round numbers."""
    gaps = [b - a for a, b in pairwise(positions)]
    if len(positions) <= 7 and all(gap >= 0.12 * right for gap in gaps):
        return list(positions)
    return [mark for mark in ticks(0, right, 6) if mark <= right]


def _x_axis(marks: Sequence[float], right: float, name: str) -> Markup:
    parts = [element("line", x1=0, x2="100%", y1=HEIGHT, y2=HEIGHT, class_="axis")]
    for mark in marks:
        at = f"{100 * mark / right:.2f}%"
        parts.append(element("line", x1=at, x2=at, y1=HEIGHT, y2=HEIGHT + 5, class_="axis"))
        text = f"{mark:,.0f}"
        parts.append(element("text", text, x=at, y=HEIGHT + 20, class_="tick middle"))
    parts.append(element("text", name, x="50%", y=HEIGHT + 40, class_="name middle"))
    return Markup("").join(parts)


def _path(line: Line, axis: Axis, right: float) -> Markup:
    steps: list[str] = []
    pen_down = False
    for x, y in line.points:
        if math.isfinite(y):
            steps.append(f"{'L' if pen_down else 'M'}{100 * x / right:.3f} {_y(axis, y):.2f}")
        pen_down = math.isfinite(y)
    path = element("path", d=" ".join(steps), class_=f"line {line.style}")
    return element(
        "svg", path, viewBox=f"0 0 100 {HEIGHT}", preserveAspectRatio="none", width="100%",
        height=HEIGHT, class_="stretch",
    )  # fmt: skip


def _dots(line: Line, axis: Axis, right: float) -> Markup:
    dots: list[Markup] = []
    for x, y in _finite(line):
        hint = element("title", f"{line.name}, {x:,.0f} labels: {axis.value(y)}")
        at = f"{100 * x / right:.2f}%"
        dots.append(element("circle", hint, cx=at, cy=_y(axis, y), r=4, class_=f"dot {line.style}"))
    return Markup("").join(dots)


def _end_labels(lines: Sequence[Line], axis: Axis) -> Markup:
    """Value and name beside the end of each line, moved apart where lines end close together."""
    ends = [_finite(line)[-1][1] for line in lines]
    wanted = [_y(axis, end) for end in ends]
    places = spread(wanted, _LABEL_GAP, 6.0, HEIGHT - 18.0)
    parts: list[Markup] = []
    for line, end, place, start in zip(lines, ends, places, wanted, strict=True):
        parts.append(element("path", d=f"M7 {start:.1f} L15 {place:.1f}", class_="lead"))
        parts.append(
            element(
                "text", axis.value(end), x=19, y=place, dy="0.3em", class_=f"value {line.style}"
            )
        )
        parts.append(element("text", line.name, x=19, y=place + 15, dy="0.3em", class_="tick"))
    return element("svg", *parts, x="100%", class_="overflow")
