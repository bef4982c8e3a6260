import pytest

from poolscore.errors import InvalidInputError
from poolscore.store.catalog_url import display_url, is_sqlite, parse_url


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "nodatabase://host/name",
        "mysql://host/name",
        "postgresql+nodriver://host/name",
        "postgresql://host:port/name",
    ],
)
def test_a_url_that_names_no_database_is_one_error(url: str) -> None:
    with pytest.raises(InvalidInputError, match="POOLSCORE_CATALOG") as caught:
        parse_url(url)
    assert caught.value.reason == "CATALOG_URL_INVALID"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_driver_is_chosen_here(scheme: str) -> None:
    parsed = parse_url(f"{scheme}://user:p%40ss@host:5433/name?sslmode=require")
    assert (parsed.get_driver_name(), parsed.password) == ("psycopg", "p@ss")
    assert (parsed.host, parsed.port, parsed.database) == ("host", 5433, "name")
    assert dict(parsed.query) == {"sslmode": "require"}
    assert not is_sqlite(f"{scheme}://host/name")


def test_sqlite_is_told() -> None:
    assert is_sqlite("sqlite:////place/catalog.db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@host/name",
        "postgresql://user@host/name?password=secret&sslpassword=secret",
        "postgresql://user:secret@host:port/name",
        "postgresql:user:secret@host/name",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    assert "secret" not in display_url(url)
    assert "host" in display_url(url)


@pytest.mark.parametrize(
    "url", ["mysql://user:secret@host/name", "postgresql:user:secret@host/name"]
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(InvalidInputError, match="host/name") as caught:
        parse_url(url)
    assert "secret" not in caught.value.message
