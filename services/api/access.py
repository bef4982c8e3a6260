"""Who may call which method, in one table, and for which pool.

Health and reflection are open: probes and tools have no tokens.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from google.protobuf.message import Message

from poolscore.access.caller import ANYBODY, Caller, Role
from poolscore.access.token import Token, is_secret, parse_token
from poolscore.errors import UnauthenticatedError
from poolscore.store.api_tokens import ApiToken, find_token
from poolscore.store.catalog import Catalog
from poolscore.store.records import utcnow
from services.api.contract import Rpc

HEADER, SCHEME = "authorization", "bearer "
FRESH_S = 2.0
"""How long a replica believes a token that it looked up; so long a revoked one may still work."""
_HELD = 1024

HEALTH = "grpc.health.v1.Health"
"""Open to everybody."""


class Rule(NamedTuple):
    """What a method needs."""

    role: Role
    pool: str
    """Field of the request that names the pool, or something in it; empty: no single pool."""


RULES = {
    "CreatePool": Rule(Role.OPERATOR, "pool_id"),
    "GetPool": Rule(Role.READER, "name"),
    # A token for some pools is shown these.
    "ListPools": Rule(Role.READER, ""),
    "UpdatePool": Rule(Role.OPERATOR, "pool.name"),
    "DeletePool": Rule(Role.ADMIN, "name"),
    "UndeletePool": Rule(Role.ADMIN, "name"),
    "StartRun": Rule(Role.OPERATOR, "parent"),
    "GetRun": Rule(Role.READER, "name"),
    "ListRuns": Rule(Role.READER, "parent"),
    "CancelRun": Rule(Role.OPERATOR, "name"),
    "WatchRun": Rule(Role.READER, "name"),
    "LeaseBatch": Rule(Role.ANNOTATOR, "parent"),
    "GetBatch": Rule(Role.READER, "name"),
    "ExtendBatch": Rule(Role.ANNOTATOR, "name"),
    "ReleaseBatch": Rule(Role.ANNOTATOR, "name"),
    "StreamRanking": Rule(Role.READER, "name"),
    "ExplainItem": Rule(Role.READER, "name"),
    # Takes all cores for as long as a rescore run does.
    "PreviewBatch": Rule(Role.OPERATOR, "parent"),
    "SubmitLabels": Rule(Role.ANNOTATOR, "parent"),
    # Each message names its pool; an answer to a wrong one is refused and the others are kept.
    "StreamLabels": Rule(Role.ANNOTATOR, ""),
    "ListLabelEvents": Rule(Role.READER, "parent"),
    "ListConflicts": Rule(Role.READER, "parent"),
    "RetractLabel": Rule(Role.ANNOTATOR, "item"),
    "ListPromptVersions": Rule(Role.READER, "parent"),
    "GetPromptVersion": Rule(Role.READER, "name"),
    "ActivatePromptVersion": Rule(Role.OPERATOR, "name"),
    "TrainPromptVersion": Rule(Role.OPERATOR, "parent"),
    "WatchPromptVersions": Rule(Role.READER, "parent"),
    "DiffPromptVersions": Rule(Role.READER, "name"),
}


class Access:
    """Finds out who calls, and whether they may."""

    def __init__(self, catalog: Catalog, *, tokens: bool) -> None:
        """Ask for tokens, or let everybody do everything."""
        self._catalog, self._tokens = catalog, tokens
        self._seen: dict[str, tuple[float, ApiToken | None]] = {}

    async def caller(self, rpc: Rpc, metadata: Sequence[tuple[str, str | bytes]]) -> Caller:
        """Who sends `metadata`.

        Raises UnauthenticatedError TOKEN_MISSING or TOKEN_INVALID, which does not say why.
        """
        if not self._tokens or rpc.service == HEALTH:
            return ANYBODY
        values = [value for key, value in metadata if key == HEADER]
        if not values:
            raise UnauthenticatedError(
                "this service asks for a token: send 'authorization: Bearer TOKEN', or set "
                "POOLSCORE_TOKEN for the `poolscore` commands; `poolscore token create` makes one",
                reason="TOKEN_MISSING",
            )
        token = _read(values)
        found = None if token is None else await self._find(token.token_id)
        if token is None or found is None or not is_secret(token.secret, found.secret_hash):
            raise _invalid()
        if not found.valid(utcnow()):
            raise _invalid()
        return found.caller

    def check(self, caller: Caller, rpc: Rpc, request: object) -> None:
        """Raise PermissionDeniedError ROLE_TOO_LOW or POOL_NOT_ALLOWED unless `caller` may."""
        if rpc.service == HEALTH:
            return
        rule = RULES[rpc.name]
        caller.check_role(rule.role, rpc.name)
        if rule.pool and isinstance(request, Message):
            caller.check_pool(_pool_of(request, rule.pool))

    async def _find(self, token_id: str) -> ApiToken | None:
        now = monotonic()
        when, found = self._seen.get(token_id, (-FRESH_S, None))
        if now - when >= FRESH_S:
            found = await asyncio.to_thread(find_token, self._catalog, token_id)
            if len(self._seen) >= _HELD:
                self._seen.clear()
            self._seen[token_id] = now, found
        return found


def _read(values: Sequence[str | bytes]) -> Token | None:
    value = values[0]
    if len(values) > 1 or not isinstance(value, str) or not value.lower().startswith(SCHEME):
        return None
    return parse_token(value[len(SCHEME) :].strip())


def _invalid() -> UnauthenticatedError:
    return UnauthenticatedError(
        "the token is not one of this service, has expired or was revoked; ask who gave it to you "
        "for another one",
        reason="TOKEN_INVALID",
    )


def named_by(rpc: Rpc, request: Message) -> str:
    """The name in the request that says what it is about; empty for none."""
    rule = RULES.get(rpc.name)
    return _value(request, rule.pool) if rule and rule.pool else ""


def _value(request: Message, field: str) -> str:
    value: object = request
    for part in field.split("."):
        value = getattr(value, part)
    return str(value)


def _pool_of(request: Message, field: str) -> str:
    name = _value(request, field)
    # What is no name is refused by the method itself; nobody's token is for a pool of that name.
    return name if field == "pool_id" else name.removeprefix("pools/").split("/", 1)[0]
