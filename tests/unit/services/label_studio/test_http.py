import pytest

from poolscore.errors import InvalidInputError, UnavailableError
from services.label_studio.http import Http


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidInputError, match="write it as in http://localhost:8080"):
        Http(url, "token")


def test_a_missing_token_says_where_to_make_one() -> None:
    with pytest.raises(InvalidInputError, match="LABEL_STUDIO_API_KEY"):
        Http("http://localhost:8080", "")


@pytest.mark.parametrize("token", ["0123456789", "a.b.c"])
def test_a_server_that_is_not_there_is_named(token: str) -> None:
    with pytest.raises(UnavailableError, match=r"cannot reach .* at http://127\.0\.0\.1:9:"):
        Http("http://127.0.0.1:9/", token).get("/api/projects/")
