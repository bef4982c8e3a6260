import pytest

from poolscore.labels.unknown_class import unknown_class

CLASSES = ("Cat", "guinea pig", "owl")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("cat", "Cat"), ("GUINEA PIG", "guinea pig"), ("giunea pig", "guinea pig"), ("owls", "owl")],
)
def test_a_near_class_is_offered(name: str, meant: str) -> None:
    assert unknown_class(name, CLASSES) == (
        f"'{name}' is not a class of the pool, which has Cat, guinea pig, owl; "
        f"did you mean '{meant}'?"
    )


@pytest.mark.parametrize("name", ["zebra", ""])
def test_nothing_is_offered_where_nothing_is_near(name: str) -> None:
    assert unknown_class(name, CLASSES) == (
        f"'{name}' is not a class of the pool, which has Cat, guinea pig, owl"
    )


def test_a_long_list_is_cut() -> None:
    message = unknown_class("zebra", [f"class {number}" for number in range(1, 14)])
    assert message.endswith("class 11, class 12, ...")
