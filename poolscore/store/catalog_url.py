"""`POOLSCORE_CATALOG`: which database, through which driver, and how messages name it."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from poolscore.errors import InvalidInputError

SQLITE, POSTGRESQL = "sqlite", "postgresql"

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SECRETS = ("password", "sslpassword")
_HIDDEN = "***"


def parse_url(url: str) -> URL:
    """The address of an SQLite or PostgreSQL database, with the driver that is used for it.

    Raises InvalidInputError CATALOG_URL_INVALID.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise invalid_url(_cut(url), "that is no URL of a database") from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise invalid_url(display_url(url), "the catalog is an SQLite or a PostgreSQL database")
    return parsed.set(drivername=driver)


def is_sqlite(url: str) -> bool:
    """Whether the URL names an SQLite database."""
    return parse_url(url).get_backend_name() == SQLITE


def display_url(url: str) -> str:
    """The URL without its passwords, for messages."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return _cut(url)
    hidden = {name: _HIDDEN for name in _SECRETS if name in parsed.query}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def invalid_url(shown: str, why: str) -> InvalidInputError:
    """The error of a URL that is shown as `shown`."""
    return InvalidInputError(
        f"POOLSCORE_CATALOG is '{shown}': {why}; give a URL such as sqlite:////path/catalog.db or "
        "postgresql://user:password@host/database",
        reason="CATALOG_URL_INVALID",
    )


def _cut(url: str) -> str:
    """What cannot hold a password of something that cannot be taken apart."""
    place = url.partition("?")[0].rpartition("@")[2]
    return place if place == url else f"{_HIDDEN}{place}"
