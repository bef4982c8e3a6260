"""Tokens of the API: issued, looked up, revoked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from poolscore.access.caller import Caller, Role
from poolscore.access.token import Token, new_token, secret_hash
from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store import sql
from poolscore.store.audit import NO_POOL, Action, write_event
from poolscore.store.catalog import Catalog
from poolscore.store.records import utcnow
from poolscore.store.tables import api_tokens


@dataclass(frozen=True)
class ApiToken:
    """What is stored of a token."""

    token_id: str
    secret_hash: str
    holder: str
    role: Role
    pools: frozenset[str] | None
    """None: all pools."""
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None

    @property
    def caller(self) -> Caller:
        """Who acts with this token."""
        return Caller(self.holder, self.role, self.pools, self.token_id)

    def valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        expired = self.expire_time is not None and self.expire_time <= now
        return self.revoke_time is None and not expired


def issue_token(
    catalog: Catalog,
    holder: str,
    role: Role,
    pools: Collection[str] | None = None,
    lifetime: timedelta | None = None,
) -> tuple[Token, ApiToken]:
    """Make a token; the secret is in what is returned and nowhere else.

    `pools` None: for all pools; those named must exist. Raises InvalidInputError HOLDER_MISSING,
    NO_POOLS or INVALID_LIFETIME, NotFoundError POOL_NOT_FOUND.
    """
    if not holder.strip():
        raise InvalidInputError("a token needs a holder; say who has it", reason="HOLDER_MISSING")
    if pools is not None and not pools:
        raise InvalidInputError(
            "a token for no pool is of no use; name pools, or none for all", reason="NO_POOLS"
        )
    if lifetime is not None and lifetime <= timedelta():
        raise InvalidInputError(
            f"a token cannot live for {lifetime}; give a time ahead", reason="INVALID_LIFETIME"
        )
    now, token = utcnow(), new_token()
    record = ApiToken(
        token_id=token.token_id,
        secret_hash=secret_hash(token.secret),
        holder=holder.strip(),
        role=role,
        pools=None if pools is None else frozenset(pools),
        create_time=now,
        expire_time=None if lifetime is None else now + lifetime,
        revoke_time=None,
    )
    with catalog.write() as connection:
        for pool_id in sorted(record.pools or ()):
            sql.pool_row(connection, pool_id)
        stored = None if record.pools is None else sorted(record.pools)
        connection.execute(api_tokens.insert().values(**vars(record) | {"pools": stored}))
        _write_event(connection, Action.CREATE_TOKEN, record.token_id, None, now)
    return token, record


def find_token(catalog: Catalog, token_id: str) -> ApiToken | None:
    """The token with this id, revoked and expired ones too."""
    with catalog.read() as connection:
        query = select(api_tokens).where(api_tokens.c.token_id == token_id)
        row = connection.execute(query).one_or_none()
    return None if row is None else _token(row)


def list_tokens(catalog: Catalog) -> list[ApiToken]:
    """All tokens, oldest first."""
    query = select(api_tokens).order_by(api_tokens.c.create_time, api_tokens.c.token_id)
    with catalog.read() as connection:
        return [_token(row) for row in connection.execute(query)]


def revoke_token(catalog: Catalog, token_id: str) -> ApiToken:
    """End a token for good; one that is revoked stays as it is. Raises TOKEN_NOT_FOUND."""
    with catalog.write() as connection:
        query = select(api_tokens).where(api_tokens.c.token_id == token_id).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(
                f"there is no token '{token_id}'; `poolscore token list` shows those that exist",
                reason="TOKEN_NOT_FOUND",
            )
        if row.revoke_time is None:
            here, now = api_tokens.c.token_id == token_id, utcnow()
            connection.execute(api_tokens.update().where(here).values(revoke_time=now))
            _write_event(connection, Action.REVOKE_TOKEN, token_id, now, now)
        return _token(connection.execute(query).one())


def _write_event(
    connection: Connection, action: Action, token_id: str, revoked: datetime | None, now: datetime
) -> None:
    facts = {"api_tokens": [{"token_id": token_id, "revoke_time": revoked}]}
    write_event(connection, NO_POOL, action, f"tokens/{token_id}", facts, now=now)


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        secret_hash=row.secret_hash,
        holder=row.holder,
        role=Role(row.role),
        pools=None if row.pools is None else frozenset(row.pools),
        create_time=row.create_time,
        expire_time=row.expire_time,
        revoke_time=row.revoke_time,
    )
