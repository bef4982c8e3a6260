import pytest

from services.report.svg import element, spread, ticks


def test_text_and_attributes_are_escaped() -> None:
    drawn = element("text", "<b>&", class_='a"b', aria_label="<x>", x=1.0, y=2.346)
    assert (
        drawn == '<text class="a&#34;b" aria-label="&lt;x&gt;" x="1" y="2.35">&lt;b&gt;&amp;</text>'
    )


def test_elements_nest() -> None:
    assert element("g", element("line", x1=0), "<") == '<g><line x1="0"></line>&lt;</g>'


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 1.0, 6, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.61, 0.84, 6, [0.6, 0.65, 0.7, 0.75, 0.8, 0.85]),
        (0.0, 256.0, 6, [0.0, 100.0, 200.0, 300.0]),
        (3.0, 3.0, 3, [3.0, 3.5, 4.0]),
    ],
)
def test_ticks_are_round_and_cover(
    low: float, high: float, most: int, expected: list[float]
) -> None:
    assert ticks(low, high, most) == expected


def test_labels_move_apart_and_keep_their_order() -> None:
    assert spread([50, 52, 100], 20, 0, 200) == [50, 70, 100]
    assert spread([195, 190, 10], 20, 0, 200) == [200, 180, 10]
    assert spread([5, 5, 5], 20, 0, 200) == [5, 25, 45]
