import math

import pytest

from services.report.formats import count, fixed, percent, points, seconds, share


def test_numbers() -> None:
    assert percent(0.92744) == "92.7%"
    assert percent(0.92744, 2) == "92.74%"
    assert points(0.0211) == "+2.1"
    assert points(-0.0211) == "\N{MINUS SIGN}2.1"
    assert fixed(0.8312) == "0.83"
    assert count(12345) == "12,345"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.4239, "0.42 s"), (9.996, "10.0 s"), (12.34, "12.3 s"), (59.96, "1 min 00 s"),
        (102.4, "1 min 42 s"), (3599.6, "1 h 00 min"), (3725, "1 h 02 min"),
    ],
)  # fmt: skip
def test_seconds(value: float, written: str) -> None:
    assert seconds(value) == written


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_a_dash(missing: float) -> None:
    written = {form(missing) for form in (percent, points, fixed, count, seconds)}
    assert written == {"\N{EN DASH}"}


def test_share_of_nothing_is_not_a_number() -> None:
    assert share(1, 4) == 0.25
    assert math.isnan(share(0, 0))
