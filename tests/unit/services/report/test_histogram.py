import math
import re

import numpy as np

from services.report.histogram import Group, histograms, right_and_wrong


def heights(drawn: str, style: str) -> list[float]:
    bar = re.compile(rf'<rect [^>]*height="([\d.]+)" class="bar {style}"')
    return [float(height) for height in bar.findall(drawn)]


def test_each_group_is_in_per_cent_of_itself() -> None:
    drawn = right_and_wrong([0.99] * 100, [0.01, 0.01, 0.99, 0.99])
    right, wrong = heights(drawn, "ours"), heights(drawn, "wrong")
    assert len(right) == len(wrong) == 25
    assert right[-1] == 84
    assert set(right[:-1]) == {0}
    assert wrong[0] == wrong[-1] == 42


def test_the_axis_follows_the_values_in_tenths() -> None:
    drawn = right_and_wrong([0.52, 0.58], [0.41])
    assert re.findall(r'class="tick middle">([\d.]+)<', drawn) == ["0.4", "0.5", "0.6"]


def test_one_group_may_be_empty_and_missing_values_do_not_count() -> None:
    drawn = right_and_wrong([0.5, math.nan], [])
    assert "1 images · median 0.50" in drawn
    assert "0 images · median \N{EN DASH}" in drawn
    assert "Not measured." in right_and_wrong([math.nan], [])


def test_the_ends_of_the_range_are_counted() -> None:
    drawn = right_and_wrong([0.0, 1.0], [])
    assert [height for height in heights(drawn, "ours") if height] == [84, 84]


def test_any_number_of_groups_stands_above_one_axis() -> None:
    drawn = histograms([Group("Open images", "ours", np.linspace(0.2, 0.8, 1000))])
    assert "Open images: 1,000 images, median 0.50" in drawn
    assert len(heights(drawn, "ours")) == 25
    (height,) = re.findall(r'role="img" width="100%" height="(\d+)"', drawn)
    assert int(height) == 30 + 84 + 44
