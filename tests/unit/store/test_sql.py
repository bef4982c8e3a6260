from datetime import UTC, timedelta

import pytest

from poolscore.errors import InvalidInputError
from poolscore.store import sql
from poolscore.store.catalog import Catalog
from poolscore.store.records import utcnow


def test_tokens_give_back_what_was_put_in() -> None:
    assert sql.read_token(sql.write_token("pets")) == "pets"
    assert sql.read_number_token(sql.write_token(17)) == 17
    assert sql.read_token("") == ""
    assert sql.read_number_token("") is None


def test_a_token_of_another_list_is_refused() -> None:
    token = sql.write_token(17, "runs", "pets", None, True)
    assert sql.read_number_token(token, "runs", "pets", None, True) == 17
    others = ((), ("runs", "pets"), ("runs", "cats", None, True), ("runs", "pets", None, False))
    for read, wrong, parameters in (
        *((sql.read_token, token, other) for other in others),
        (sql.read_number_token, sql.write_token("pets"), ()),
        (sql.read_number_token, sql.write_token(""), ()),
        (sql.read_number_token, sql.write_token("9" * 19), ()),
        (sql.read_number_token, sql.write_token("9" * 5000), ()),
        (sql.read_token, token[:-4], ("runs", "pets")),
    ):
        with pytest.raises(InvalidInputError) as caught:
            read(wrong, *parameters)
        assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_page_limits() -> None:
    assert [sql.page_limit(size) for size in (0, 1, 1000, 1001)] == [100, 1, 1000, 1000]


def test_a_catalog_has_one_clock(catalog: Catalog) -> None:
    with catalog.write() as connection:
        first, second = (sql.clock(connection) for _ in range(2))
    assert first < second  # that of the moment, and not of when the transaction began
    assert first.tzinfo is UTC
    assert abs(utcnow() - second) < timedelta(minutes=1)
