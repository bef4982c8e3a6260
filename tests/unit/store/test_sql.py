import pytest

from poolscore.errors import InvalidInputError
from poolscore.store import sql


def test_tokens_give_back_what_was_put_in() -> None:
    assert sql.read_token(sql.write_token("pets")) == "pets"
    assert sql.read_number_token(sql.write_token(17)) == 17
    assert sql.read_token("") == ""
    assert sql.read_number_token("") is None


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        sql.read_number_token(sql.write_token("pets"))
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_page_limits() -> None:
    assert [sql.page_limit(size) for size in (0, 1, 1000, 1001)] == [100, 1, 1000, 1000]
