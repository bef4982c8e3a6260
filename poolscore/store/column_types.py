"""Types of columns that mean the same in every database."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy import DateTime, Dialect, TypeDecorator
from sqlalchemy.types import TypeEngine

from poolscore.errors import InvalidInputError
from poolscore.store.catalog_url import POSTGRESQL


def by_bytes(kind: sqlalchemy.String) -> sqlalchemy.String:
    """A type of text that is compared by its bytes, as SQLite does, and not by a server's locale.

    Pages must continue where the last one ended on every server, and an index on names must
    survive an update of the server's locales.
    """
    return kind.with_variant(_collated(kind), POSTGRESQL)


def _collated(kind: sqlalchemy.String) -> sqlalchemy.String:
    return type(kind)(kind.length, collation="C")


class Text(TypeDecorator[str]):
    """Text without the NUL character, which PostgreSQL cannot hold; compared by its bytes.

    Raises InvalidInputError INVALID_TEXT.
    """

    impl = sqlalchemy.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        kind = self._kind()
        return _collated(kind) if dialect.name == POSTGRESQL else kind

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Refuse what only some databases can hold."""
        del dialect
        if value is not None and "\0" in value:
            raise InvalidInputError(
                f"the text {value[:80]!r} has a NUL character in it; leave it out",
                reason="INVALID_TEXT",
            )
        return value

    def _kind(self) -> sqlalchemy.String:
        return sqlalchemy.Text()


class String(Text):
    """Such a text of at most `length` characters."""

    impl = sqlalchemy.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        """A longer text is an error in PostgreSQL, so it must not come this far."""
        super().__init__(length)
        self.length = length

    def _kind(self) -> sqlalchemy.String:
        return sqlalchemy.String(self.length)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would be read back as another moment."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back in UTC."""
        del dialect
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)  # PostgreSQL gives it in the session's time zone
