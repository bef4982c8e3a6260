import math
import re

import pytest

from services.report.charts import HEIGHT, Axis, Line, fit, line_chart
from services.report.formats import fixed, percent

AXIS = Axis(0.0, 1.0, fixed, percent)


def draw(*points: tuple[float, float]) -> str:
    line = Line("ours", points, "ours")
    return line_chart([line], AXIS, label="a <label>", x_label="labels", y_label="accuracy <y>")


def test_places_of_a_line() -> None:
    drawn = draw((0, 0.0), (50, 0.5), (100, 1.0))
    assert f'd="M0.000 {HEIGHT}.00 L50.000 {HEIGHT / 2:.2f} L100.000 0.00"' in drawn
    assert drawn.count("<circle") == 3
    assert "ours, 50 labels: 50.0%" in drawn
    assert 'aria-label="a &lt;label&gt;"' in drawn
    assert ">labels<" in drawn
    assert ">accuracy &lt;y&gt;<" in drawn


def test_a_value_that_is_missing_breaks_the_line() -> None:
    drawn = draw((0, 0.5), (10, math.nan), (20, 0.5), (30, 0.5))
    (path,) = re.findall(r'd="(M0[^"]*)"', drawn)
    assert re.findall(r"[ML]", path) == ["M", "M", "L"]
    assert drawn.count("<circle") == 3


def test_one_point_is_a_dot_with_its_label() -> None:
    drawn = draw((0, 0.25))
    assert drawn.count("<circle") == 1
    assert ">25.0%<" in drawn


def test_nothing_measured() -> None:
    assert draw((0, math.nan)) == '<p class="empty">Not measured.</p>'


def test_rounds_far_apart_are_the_ticks_else_round_numbers() -> None:
    ticks = re.compile(r'class="tick middle">([\d,]+)<')
    assert ticks.findall(draw((0, 0.1), (64, 0.2), (1064, 0.3))) == [
        "0",
        "250",
        "500",
        "750",
        "1,000",
    ]
    assert ticks.findall(draw((0, 0.1), (640, 0.2), (1280, 0.3))) == ["0", "640", "1,280"]


@pytest.mark.parametrize("values", [[0.9, 0.92], [0.0, 1.0], [1.0], [0.0], [math.nan], [], [0.5]])
def test_an_axis_holds_its_values_inside_the_unit_interval(values: list[float]) -> None:
    axis = fit(values, fixed, fixed)
    finite = [value for value in values if math.isfinite(value)]
    assert 0.0 <= axis.low < axis.high <= 1.0
    assert all(axis.low <= value <= axis.high for value in finite)
