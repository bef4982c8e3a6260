import math

import pytest

from poolscore.evaluation.markdown import count, p_value, percent, points, share, table
from poolscore.evaluation.spread import spread


def test_table() -> None:
    assert table(["arm", "average"], [["a|b", "1"], ["c", "2"]]) == (
        "| arm | average |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 2 |\n"
    )
    with pytest.raises(ValueError, match="2 values under 1"):
        table(["arm"], [["a", "b"]])


def test_numbers() -> None:
    assert percent(spread([0.5, 0.75])) == "62.5 ± 17.7"
    assert percent(spread([0.5])) == "50.0"
    assert share(spread([0.5, 0.75])) == "0.625 ± 0.177"
    assert points(1.234) == "+1.23"
    assert points(-1.234) == "−1.23"  # noqa: RUF001
    assert count(spread([1200.0, 1200.0])) == "1,200"
    assert count(spread([3.0, 4.0])) == "3.5"
    assert p_value(0.0625) == "0.062"
    assert p_value(0.0001) == "< 0.001"


def test_no_number_is_a_dash() -> None:
    nothing = spread([])
    assert {
        percent(nothing),
        share(nothing),
        count(nothing),
        points(math.nan),
        p_value(math.nan),
    } == {"\N{EN DASH}"}
