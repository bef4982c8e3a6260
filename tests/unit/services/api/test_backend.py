"""What is asked often must not take longer the more is answered."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from sqlalchemy import Engine, event

from poolscore.v1 import prompt_version_service_pb2 as pb
from services.api.backend import Backend
from services.api.ingress import Api
from tests.seeding import item_ids, seed_pool


@contextmanager
def statements() -> Generator[list[str]]:
    """What is executed in the block, by any engine."""
    found: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def watch(api: Api) -> object:
    async def first() -> pb.WatchPromptVersionsResponse:
        return await anext(api.WatchPromptVersions(pb.WatchPromptVersionsRequest(parent="pools/p")))

    return asyncio.run(first())


OFTEN: dict[str, Callable[[Api], object]] = {
    "health": lambda api: api.Check(HealthCheckRequest()),
    "answers without a batch": lambda api: api.backend.items.known("p", item_ids(3)),
    "the active ranking": lambda api: api.backend.ranking_named("pools/p/rankings/-"),
    "a ranking": lambda api: api.backend.ranking_named("pools/p/rankings/1"),
    "a prompt version": lambda api: api.GetPromptVersion(
        pb.GetPromptVersionRequest(name="pools/p/promptVersions/0")
    ),
    "rollback": lambda api: api.ActivatePromptVersion(
        pb.ActivatePromptVersionRequest(name="pools/p/promptVersions/0")
    ),
    "a watcher": watch,
}


@pytest.mark.parametrize("asked", OFTEN)
def test_answers_are_not_counted(api: Api, backend: Backend, store_uri: str, asked: str) -> None:
    seed_pool(backend.catalog, store_uri, "p")
    with statements() as found:
        assert OFTEN[asked](api)
    assert any("FROM pools" in each for each in found)
    assert not [each for each in found if "effective_answers" in each]
