import asyncio
from pathlib import Path

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest

from poolscore.errors import NotFoundError
from services.api.health import HealthApi
from services.api.ingress import Api


@pytest.mark.parametrize("service", ["", "poolscore.v1.QueryService", "grpc.health.v1.Health"])
def test_known_services_serve(api: Api, service: str):
    assert api.Check(HealthCheckRequest(service=service)).status == HealthCheckResponse.SERVING


def test_all_services_are_listed(api: Api):
    found = api.List(HealthListRequest()).statuses
    assert {"", "poolscore.v1.QueryService", "grpc.health.v1.Health"} <= found.keys()
    assert {each.status for each in found.values()} == {HealthCheckResponse.SERVING}


def test_an_unknown_service_is_not_found(api: Api):
    with pytest.raises(NotFoundError) as caught:
        api.Check(HealthCheckRequest(service="poolscore.v1.Nothing"))
    assert caught.value.reason == "UNKNOWN_SERVICE"


def test_a_lost_catalog_is_not_serving(api: Api, tmp_path: Path):
    # A folder in the database's place: nothing can be opened any more.
    api.backend.catalog.close()
    database = tmp_path / "catalog.db"
    for file in tmp_path.glob("catalog.db*"):
        file.unlink()
    database.mkdir()
    assert api.Check(HealthCheckRequest()).status == HealthCheckResponse.NOT_SERVING


def test_watching_an_unknown_service_stays_open(api: Api):
    async def first():
        stream = HealthApi.Watch(api, HealthCheckRequest(service="nope"))
        return await anext(stream)

    assert asyncio.run(first()).status == HealthCheckResponse.SERVICE_UNKNOWN
