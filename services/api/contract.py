"""What the contract promises, read from its descriptors, so that no method can be forgotten."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from poolscore.v1 import (
    label_service_pb2,
    pool_service_pb2,
    prompt_version_service_pb2,
    query_service_pb2,
    run_service_pb2,
)

SERVICERS = ("services.api.servicers.add_services",)
"""Import paths of the functions that register the services with Serve's gRPC proxy."""

_FILES = (
    pool_service_pb2,
    run_service_pb2,
    query_service_pb2,
    label_service_pb2,
    prompt_version_service_pb2,
    health_pb2,
)


@dataclass(frozen=True)
class Rpc:
    """One method of the contract."""

    service: str
    """Full name of its service."""
    name: str
    """Method name; unique over all services, because Serve routes by it alone."""
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool


def services() -> tuple[ServiceDescriptor, ...]:
    """Descriptors of every service that the server answers for, `grpc.health.v1` included."""
    return tuple(
        service for file in _FILES for service in file.DESCRIPTOR.services_by_name.values()
    )


def rpcs() -> tuple[Rpc, ...]:
    """Every method of every service."""
    return tuple(_rpc(method) for service in services() for method in service.methods)


def _rpc(method: MethodDescriptor) -> Rpc:
    return Rpc(
        service=method.containing_service.full_name,
        name=method.name,
        request=GetMessageClass(method.input_type),
        response=GetMessageClass(method.output_type),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
    )
