import asyncio
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from poolscore.access.caller import ANYBODY, Caller, Role
from poolscore.errors import PermissionDeniedError, UnauthenticatedError
from poolscore.store.api_tokens import issue_token, revoke_token
from poolscore.store.catalog import Catalog
from poolscore.v1 import label_service_pb2, pool_service_pb2, query_service_pb2, run_service_pb2
from services.api import access as accesses
from services.api.access import RULES, Access
from services.api.contract import Rpc, rpcs
from tests.store_world import POOL, add_pool

METHODS = {rpc.name: rpc for rpc in rpcs()}


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    add_pool(catalog)
    return catalog


def who(access: Access, *values: str, method: str = "GetPool") -> Caller:
    metadata = [("user-agent", "grpc"), *(("authorization", value) for value in values)]
    return asyncio.run(access.caller(METHODS[method], metadata))


def test_every_method_has_a_rule_and_every_rule_a_field() -> None:
    ours = {rpc.name: rpc for rpc in rpcs() if rpc.service.startswith("poolscore.")}
    assert RULES.keys() == ours.keys()
    for name, rule in RULES.items():
        fields: Any = ours[name].request.DESCRIPTOR
        *messages, last = rule.pool.split(".")
        for part in messages:
            fields = fields.fields_by_name[part].message_type
        if last:
            assert fields.fields_by_name[last].type == fields.fields_by_name[last].TYPE_STRING


def test_a_token_says_who_calls(catalog: Catalog) -> None:
    access = Access(catalog, tokens=True)
    token, _ = issue_token(catalog, "ann", Role.ANNOTATOR, [POOL])
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert who(access, f"{scheme} {token.text}") == Caller(
            "ann", Role.ANNOTATOR, frozenset({POOL}), token.token_id
        )


def test_without_tokens_everybody_is_anybody(catalog: Catalog) -> None:
    assert who(Access(catalog, tokens=False)) is ANYBODY
    assert who(Access(catalog, tokens=True), method="Check") is ANYBODY


def test_what_is_no_valid_token_lets_nobody_in(catalog: Catalog) -> None:
    access = Access(catalog, tokens=True)
    token, _ = issue_token(catalog, "ann", Role.READER)
    other, _ = issue_token(catalog, "bob", Role.READER)
    brief, _ = issue_token(catalog, "eve", Role.READER, None, timedelta(microseconds=1))
    with pytest.raises(UnauthenticatedError) as missing:
        who(access)
    assert missing.value.reason == "TOKEN_MISSING"
    swapped = token._replace(secret=other.secret)
    unknown = token._replace(token_id="0" * 12)
    bearer = f"Bearer {token.text}"
    for values in (
        ["Bearer "],
        [f"Basic {token.text}"],
        [token.text],
        [f"Bearer {swapped.text}"],
        [f"Bearer {unknown.text}"],
        [f"Bearer {brief.text}"],
        [bearer, bearer],
        [bearer[:-1]],
    ):
        with pytest.raises(UnauthenticatedError) as error:
            who(access, *values)
        assert error.value.reason == "TOKEN_INVALID"
        assert token.secret not in error.value.message


def test_a_revoked_token_ends_within_seconds(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 50.0
    monkeypatch.setattr(accesses, "monotonic", lambda: now)
    access = Access(catalog, tokens=True)
    token, _ = issue_token(catalog, "ann", Role.READER)
    who(access, f"Bearer {token.text}")
    revoke_token(catalog, token.token_id)
    now += accesses.FRESH_S
    with pytest.raises(UnauthenticatedError):
        who(access, f"Bearer {token.text}")


@pytest.mark.parametrize(
    ("method", "request_", "role"),
    [
        ("GetPool", pool_service_pb2.GetPoolRequest(name="pools/pets"), Role.READER),
        ("LeaseBatch", query_service_pb2.LeaseBatchRequest(parent="pools/pets"), Role.ANNOTATOR),
        ("GetBatch", query_service_pb2.GetBatchRequest(name="pools/pets/batches/1"), Role.READER),
        ("PreviewBatch", query_service_pb2.PreviewBatchRequest(parent="pools/pets"), Role.OPERATOR),
        ("StartRun", run_service_pb2.StartRunRequest(parent="pools/pets"), Role.OPERATOR),
        ("CreatePool", pool_service_pb2.CreatePoolRequest(pool_id="pets"), Role.OPERATOR),
        (
            "UpdatePool",
            pool_service_pb2.UpdatePoolRequest(pool=pool_service_pb2.Pool(name="pools/pets")),
            Role.OPERATOR,
        ),
        ("DeletePool", pool_service_pb2.DeletePoolRequest(name="pools/pets"), Role.ADMIN),
        (
            "RetractLabel",
            label_service_pb2.RetractLabelRequest(item="pools/pets/items/a/b"),
            Role.ANNOTATOR,
        ),
    ],
)
def test_role_and_pool_decide(catalog: Catalog, method: str, request_: Message, role: Role) -> None:
    access, rpc = Access(catalog, tokens=True), METHODS[method]
    for own in Role:
        for pools in (None, frozenset({"pets"})):
            allowed = refusal(access, Caller("me", own, pools), rpc, request_)
            assert allowed == ("" if own.includes(role) else "ROLE_TOO_LOW")
        if own.includes(role):
            elsewhere = Caller("me", own, frozenset({"plants"}))
            assert refusal(access, elsewhere, rpc, request_) == "POOL_NOT_ALLOWED"


@pytest.mark.parametrize("name", ["", "pets", "pools/", "plants/pets", "pools/plants/../pets"])
def test_a_name_that_is_none_is_nobodys(catalog: Catalog, name: str) -> None:
    access = Access(catalog, tokens=True)
    caller = Caller("me", Role.ADMIN, frozenset({"plants2"}))
    request = pool_service_pb2.GetPoolRequest(name=name)
    assert refusal(access, caller, METHODS["GetPool"], request) == "POOL_NOT_ALLOWED"


def refusal(access: Access, caller: Caller, rpc: Rpc, request: Message) -> str:
    try:
        access.check(caller, rpc, request)
    except PermissionDeniedError as error:
        return error.reason
    return ""
