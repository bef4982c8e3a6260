from datetime import timedelta

import pytest

from poolscore.access.caller import Caller, Role
from poolscore.access.token import is_secret
from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store.api_tokens import find_token, issue_token, list_tokens, revoke_token
from poolscore.store.catalog import Catalog
from tests.store_world import POOL, add_pool


def test_a_token_is_found_by_its_id_and_holds_no_secret(catalog: Catalog) -> None:
    add_pool(catalog)
    token, record = issue_token(catalog, " ann ", Role.ANNOTATOR, [POOL], timedelta(days=1))
    found = find_token(catalog, token.token_id)
    assert found == record
    assert found is not None
    assert found.caller == Caller("ann", Role.ANNOTATOR, frozenset({POOL}), token.token_id)
    assert token.secret not in repr(record)
    assert is_secret(token.secret, found.secret_hash)
    assert find_token(catalog, "0" * 12) is None


def test_a_token_ends_when_it_expires_or_is_revoked(catalog: Catalog) -> None:
    token, record = issue_token(catalog, "ann", Role.READER, None, timedelta(days=1))
    assert record.expire_time is not None
    assert record.valid(record.expire_time - timedelta(seconds=1))
    assert not record.valid(record.expire_time)
    revoked = revoke_token(catalog, token.token_id)
    assert not revoked.valid(record.create_time)
    assert revoke_token(catalog, token.token_id) == revoked
    with pytest.raises(NotFoundError, match="token list"):
        revoke_token(catalog, "0" * 12)


def test_a_token_without_an_end_is_for_all_pools(catalog: Catalog) -> None:
    tokens = [issue_token(catalog, name, Role.ADMIN)[1] for name in ("ann", "bob")]
    assert list_tokens(catalog) == tokens
    assert tokens[0].caller.pools is None
    assert tokens[0].valid(tokens[0].create_time + timedelta(days=10_000))


@pytest.mark.parametrize(
    ("holder", "pools", "lifetime", "reason"),
    [
        (" ", None, None, "HOLDER_MISSING"),
        ("ann", (), None, "NO_POOLS"),
        ("ann", None, timedelta(), "INVALID_LIFETIME"),
    ],
)
def test_a_token_that_nobody_could_use_is_not_made(
    catalog: Catalog,
    holder: str,
    pools: tuple[str, ...] | None,
    lifetime: timedelta | None,
    reason: str,
) -> None:
    with pytest.raises(InvalidInputError) as error:
        issue_token(catalog, holder, Role.READER, pools, lifetime)
    assert error.value.reason == reason
    assert list_tokens(catalog) == []


def test_a_token_is_for_pools_that_exist(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError):
        issue_token(catalog, "ann", Role.READER, ["nowhere"])
    assert list_tokens(catalog) == []
