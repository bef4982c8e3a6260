"""A client that has nothing but the address: everything else comes from server reflection."""

import json
import re
from pathlib import Path
from typing import Any, Protocol

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status


class Call(Protocol):
    """Calls `service/Method` with a JSON request, as grpcurl does."""

    def __call__(self, path: str, **fields: Any) -> dict[str, Any]: ...


@pytest.fixture
def call(channel: grpc.Channel) -> Call:
    descriptors = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))

    def invoke(path: str, **fields: Any) -> dict[str, Any]:
        service, _, name = path.partition("/")
        method = descriptors.FindServiceByName(service).methods_by_name[name]
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        stub = channel.unary_unary(
            f"/{path}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        return MessageToDict(stub(ParseDict(fields, request()), timeout=240))

    return invoke


def refused(call: Call, path: str, **fields: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(path, **fields)
    error: Any = caught.value
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "poolscore"
    for text in (error.details(), str(status)):
        assert "Traceback" not in text
        assert ".py" not in text
    return error.code().name, info.reason


def test_all_services_are_listed(channel: grpc.Channel) -> None:
    assert set(ProtoReflectionDescriptorDatabase(channel).get_services()) == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "poolscore.v1.PoolService",
        "poolscore.v1.RunService",
        "poolscore.v1.QueryService",
        "poolscore.v1.LabelService",
        "poolscore.v1.PromptVersionService",
    }


@pytest.mark.parametrize("name", ["", "poolscore.v1.QueryService"])
def test_the_server_and_its_services_are_serving(call: Call, name: str) -> None:
    assert call("grpc.health.v1.Health/Check", service=name) == {"status": "SERVING"}


def test_a_pool_is_created_and_read(call: Call) -> None:
    pool = {"classes": ["cat", "dog"], "displayName": "Pets"}
    created = call("poolscore.v1.PoolService/CreatePool", poolId="reflected", pool=pool)
    assert call("poolscore.v1.PoolService/GetPool", name="pools/reflected") == created
    assert created["pool"]["displayName"] == "Pets"
    again = refused(call, "poolscore.v1.PoolService/CreatePool", poolId="reflected", pool=pool)
    assert again == ("ALREADY_EXISTS", "POOL_EXISTS")


def test_the_calls_of_the_readme_are_understood(call: Call) -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"-d '(.+?)'[^/]+?(poolscore\.v1\.\w+/\w+)", text)
    assert len(shown) == 2
    for request, path in shown:
        assert refused(call, path, **json.loads(request)) == ("NOT_FOUND", "POOL_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "fields", "code", "reason"),
    [
        ("PoolService/GetPool", {"name": "x"}, "INVALID_ARGUMENT", "INVALID_NAME"),
        ("PoolService/GetPool", {"name": "pools/gone"}, "NOT_FOUND", "POOL_NOT_FOUND"),
        ("PoolService/CreatePool", {"poolId": "A"}, "INVALID_ARGUMENT", "INVALID_POOL_ID"),
        ("PoolService/ListPools", {"pageToken": "?"}, "INVALID_ARGUMENT", "INVALID_PAGE_TOKEN"),
        ("RunService/GetRun", {"name": "pools/gone/runs/1"}, "NOT_FOUND", "POOL_NOT_FOUND"),
        ("PoolService/DeletePool", {"name": "pools/x"}, "NOT_FOUND", "POOL_NOT_FOUND"),
    ],
)
def test_bad_requests_get_a_status_with_error_info(
    call: Call, path: str, fields: dict[str, Any], code: str, reason: str
) -> None:
    assert refused(call, f"poolscore.v1.{path}", **fields) == (code, reason)
