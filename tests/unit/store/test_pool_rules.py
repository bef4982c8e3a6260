import pytest

from poolscore.errors import InvalidInputError
from poolscore.store import pool_rules as rules


@pytest.mark.parametrize("pool_id", ["a", "pets", "a-1", "a" * 63, "a1"])
def test_good_pool_ids(pool_id: str) -> None:
    rules.check_pool_id(pool_id)


@pytest.mark.parametrize(
    "pool_id", ["", "A", "1a", "-a", "a-", "a_b", "a/b", "ä", "a" * 64, "a\n", "a.b", "../a"]
)
def test_bad_pool_ids(pool_id: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot name a pool") as caught:
        rules.check_pool_id(pool_id)
    assert caught.value.reason == "INVALID_POOL_ID"


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        ([], "two or more"),
        (["cat"], "two or more"),
        (["cat", "cat"], "'cat' is named twice"),
        (["cat", ""], "is empty"),
        (["cat", " "], "is empty"),
        (["cat", " dog"], "spaces around"),
        (["cat", "a\tb"], "unprintable"),
        (["cat", "d" * 201], "longer than 200"),
        (["cat", "?"], "class name '\\?' could not be told apart in an answer"),
        (["cat", "dog|wolf"], "choose another name"),
    ],
)
def test_bad_classes(classes: list[str], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as caught:
        rules.check_classes(classes)
    assert caught.value.reason == "INVALID_CLASSES"


def test_good_classes() -> None:
    rules.check_classes(["cat", "Cat", "guinea pig", "d" * 200, "大熊猫", "what?"])


@pytest.mark.parametrize("template", ["", "a photo", "{} and {}", "{0}", "{} {x}", "{{}}", "{} }"])
def test_bad_templates(template: str) -> None:
    with pytest.raises(InvalidInputError, match="exactly one"):
        rules.check_template(template)


def test_good_templates() -> None:
    rules.check_template("{}")
    rules.check_template("a photo of a {}, a type of pet.")


def test_unknown_strategies_and_negative_thresholds_are_refused() -> None:
    rules.check_strategy(rules.DEFAULT_STRATEGY)
    with pytest.raises(InvalidInputError, match="astrology"):
        rules.check_strategy("astrology")
    rules.check_train_after(0)
    with pytest.raises(InvalidInputError, match="-1"):
        rules.check_train_after(-1)
