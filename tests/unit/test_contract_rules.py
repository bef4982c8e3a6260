"""The part of protovalidate's schema that buf resolves the contract with."""

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from buf.validate import validate_pb2

PROTOS = Path(__file__).parents[2] / "protos"


def test_it_says_what_the_whole_schema_says(tmp_path: Path) -> None:
    out = tmp_path / "part.binpb"
    include = Path(protoc.__file__).parent / "_proto"
    paths = [f"-I{PROTOS / 'imports'}", f"-I{include}"]
    assert (
        protoc.main(["", *paths, f"--descriptor_set_out={out}", "buf/validate/validate.proto"]) == 0
    )
    (part,) = FileDescriptorSet.FromString(out.read_bytes()).file
    whole: Any = type(part)()
    validate_pb2.DESCRIPTOR.CopyToProto(whole)
    kinds = {message.name: message for message in whole.message_type}
    for message in part.message_type:
        rules = {field.name: signature(field) for field in kinds[message.name].field}
        assert message.field
        for field in message.field:
            assert rules[field.name] == signature(field), (message.name, field.name)
    extensions = {field.name: signature(field) for field in whole.extension}
    assert {field.name: signature(field) for field in part.extension}.items() <= extensions.items()
    values = {value.name: value.number for enum in whole.enum_type for value in enum.value}
    for enum in part.enum_type:
        assert {value.name: value.number for value in enum.value}.items() <= values.items()


def signature(field: Any) -> tuple[object, ...]:
    return field.number, field.type, field.label, field.type_name, field.extendee
