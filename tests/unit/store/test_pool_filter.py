import pytest

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import delete_pool
from poolscore.store.pools import create_pool, list_pools


@pytest.fixture(autouse=True)
def three(catalog: Catalog) -> None:
    for name, strategy, model, title in (
        ("a", "entropy", "ViT-B-32", "All Cats"),
        ("b", "margin", "ViT-B-32", 'Say "100 %"'),
        ("c", "entropy", "poolscore-lite", "Dogs"),
    ):
        spec = EncoderSpec(model=model)
        create_pool(catalog, name, ["x", "y"], "", spec, "d" * 64, strategy, 0, title)
    delete_pool(catalog, "c")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abc"),
        ("  ", "abc"),
        ('strategy = "entropy"', "ac"),
        ("strategy=entropy", "ac"),
        ('encoder.model = "ViT-B-32"', "ab"),
        ('display_name : "cat"', "a"),
        ('display_name = "cat"', ""),
        ('display_name = "Dogs"', "c"),
        ('display_name : "100 %"', "b"),
        ('display_name : "%"', "b"),
        (r'display_name = "Say \"100 %\""', "b"),
        ("delete_time:*", "c"),
        ("active_snapshot:*", ""),
        ('strategy = "entropy" AND encoder.model = "ViT-B-32"', "a"),
        ('strategy = "entropy" AND delete_time:* AND display_name : "DOG"', "c"),
    ],
)
def test_a_filter_chooses(catalog: Catalog, text: str, names: str) -> None:
    found, _ = list_pools(catalog, show_deleted=True, filter_text=text)
    assert [pool.pool_id for pool in found] == list(names)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("colour = red", "colour"),
        ("strategy", "strategy"),
        ('strategy != "entropy"', "strategy"),
        ('strategy : "ent"', "strategy"),
        ("strategy:*", "strategy"),
        ('strategy = "entropy', "strategy"),
        ('strategy = "entropy" OR strategy = "margin"', " OR "),
        ('strategy = "entropy" AND', " AND"),
        ("NOT delete_time:*", "NOT"),
        ('(strategy = "entropy")', "[(]"),
        ('strategy = "a" strategy = "b"', " strategy = .b"),
    ],
)
def test_what_is_not_supported_is_shown(catalog: Catalog, text: str, place: str) -> None:
    with pytest.raises(InvalidInputError, match=f"understood from '{place}") as caught:
        list_pools(catalog, filter_text=text)
    assert caught.value.reason == "INVALID_FILTER"


@pytest.mark.parametrize("field", ["strategy =", "display_name :", "encoder.model ="])
def test_what_no_database_can_hold_is_refused(catalog: Catalog, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        list_pools(catalog, filter_text=f'{field} "a\0b"')
    assert caught.value.reason == "INVALID_TEXT"


def test_a_page_belongs_to_its_filter(catalog: Catalog) -> None:
    first, token = list_pools(catalog, 1, show_deleted=True, filter_text="strategy = entropy")
    rest, end = list_pools(catalog, 9, token, show_deleted=True, filter_text="strategy = entropy")
    assert ([pool.pool_id for pool in (*first, *rest)], end) == (["a", "c"], "")
    for other in ({}, {"show_deleted": True}, {"filter_text": "strategy = entropy"}):
        with pytest.raises(InvalidInputError) as caught:
            list_pools(catalog, 1, token, **other)  # pyright: ignore[reportArgumentType]
        assert caught.value.reason == "INVALID_PAGE_TOKEN"
