"""The page, from top to bottom."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    MethodDescriptorProto,
)

from services.api.access import RULES
from services.api.errors import CODES
from services.contract_page.rules import rules_of
from services.contract_page.source import (
    ENUMS,
    MEMBERS,
    MESSAGES,
    SERVICES,
    Source,
    read_contract,
)

PAGE = Path(__file__).parents[2] / "docs" / "api.md"

_PACKAGE = ".poolscore.v1."

_INTRODUCTION = """# The API

Written by `make docs` from [protos/poolscore/v1](../protos/poolscore/v1); do not edit.

gRPC, package `poolscore.v1`. Reflection is on, so that `grpcurl` and other tools need no file, and
`grpc.health.v1` answers probes. Every answer names its request in the trailer `x-request-id`. A
field that is not set has the default of Protobuf: empty, 0 or false; of fields that say *one of*,
one is set. In Protobuf's JSON, 64-bit numbers are strings. What a field may hold stands in italics;
anything else is `INVALID_ARGUMENT`.

A method needs the role that stands beside it, or one above it (`reader`, `annotator`, `operator`,
`admin`), where the service asks for tokens: `authorization: Bearer ps_...`.
"""

_ERRORS = """
## Errors

An error is a gRPC status with a `google.rpc.ErrorInfo`, whose `domain` is `poolscore` and whose
`reason` is for programs, such as `POOL_NOT_FOUND`; the methods name those that a caller acts upon.
Fields of the request that are to blame are in a `google.rpc.BadRequest`, a time to wait in a
`google.rpc.RetryInfo`.

| code | means |
|---|---|"""

_OWN = {
    "DATA_LOSS": "A file or a row of the service is not what it should be.",
    "INTERNAL": "A mistake of the service; its log has it under the `incident` of the metadata.",
}
"""The service's own errors."""


def page() -> str:
    """The whole page."""
    sources = read_contract()
    lines = [_INTRODUCTION, *_contents(sources), "- [Errors](#errors)"]
    for source in sources:
        lines += _service(source)
    lines.append(_ERRORS)
    callers = {code.name: _first_line(kind.__doc__) for kind, code in CODES}
    lines += [f"| `{code}` | {meaning} |" for code, meaning in (callers | _OWN).items()]
    return "\n".join([*lines, ""])


def _contents(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        (service,) = source.file.service
        methods = ", ".join(f"[{each.name}](#{each.name.lower()})" for each in service.method)
        yield f"- [{service.name}](#{service.name.lower()}): {methods}"


def _service(source: Source) -> Iterator[str]:
    (service,) = source.file.service
    yield f"\n## {service.name}\n\n{source.comment(SERVICES, 0)}"
    messages = {each.name: number for number, each in enumerate(source.file.message_type)}
    for number, method in enumerate(service.method):
        comment = source.comment(SERVICES, 0, MEMBERS, number)
        yield f"\n### {method.name}\n\n{_signature(method)}\n\n{comment}"
        for name in (method.input_type, method.output_type):
            place = messages.pop(name.removeprefix(_PACKAGE))
            yield from _message(source, place, source.file.message_type[place], heading=False)
    for name, place in messages.items():
        message = source.file.message_type[place]
        if not message.options.map_entry:
            yield f"\n### {name}\n\n{source.comment(MESSAGES, place)}".rstrip()
            yield from _message(source, place, message, heading=True)
    for place, enum in enumerate(source.file.enum_type):
        yield from _enum(source, place, enum)


def _signature(method: MethodDescriptorProto) -> str:
    sent, answered = (
        "stream " * each for each in (method.client_streaming, method.server_streaming)
    )
    asked, given = (_bare(each) for each in (method.input_type, method.output_type))
    role = RULES[method.name].role
    return f"`{method.name}({sent}{asked}) returns ({answered}{given})`, role `{role}`"


def _message(
    source: Source, place: int, message: DescriptorProto, *, heading: bool
) -> Iterator[str]:
    if not heading:
        comment = source.comment(MESSAGES, place)
        yield f"\n`{message.name}`{': ' + comment if comment else ''}"
    if not message.field:
        yield "\nIt has no fields."
        return
    yield "\n| field | type | meaning |\n|---|---|---|"
    maps = {each.name: each for each in message.nested_type}
    for number, field in enumerate(message.field):
        comment = source.comment(MESSAGES, place, MEMBERS, number)
        said = f"{comment} {_italic(rules_of(field, comment))}"
        yield f"| `{field.name}` | {_type(field, maps)} | {_cell(said)} |"


def _enum(source: Source, place: int, enum: EnumDescriptorProto) -> Iterator[str]:
    yield f"\n### {enum.name}\n\n{source.comment(ENUMS, place)}".rstrip()
    yield "\n| value | meaning |\n|---|---|"
    for number, value in enumerate(enum.value):
        yield f"| `{value.name}` | {_cell(source.comment(ENUMS, place, MEMBERS, number))} |"


def _type(field: FieldDescriptorProto, maps: dict[str, DescriptorProto]) -> str:
    entry = maps.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map of {_type(key, {})} to {_type(value, {})}"
    name = _link(field.type_name) if field.type_name else _scalar(field)
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    if field.proto3_optional:
        return f"optional {name}"
    return f"one of: {name}" if field.HasField("oneof_index") else name


def _scalar(field: FieldDescriptorProto) -> str:
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _link(type_name: str) -> str:
    if not type_name.startswith(_PACKAGE):
        return f"`{type_name[1:]}`"
    return f"[{_bare(type_name)}](#{_bare(type_name).lower()})"


def _bare(type_name: str) -> str:
    return type_name.removeprefix(_PACKAGE)


def _italic(text: str) -> str:
    return f"*{text}*" if text else ""


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", r"\|")


def _first_line(text: str | None) -> str:
    # Of a docstring, without the code in brackets that stands in the column before.
    line = (text or "").splitlines()[0]
    return re.sub(r" \((?:gRPC )?[A-Z_]+\)\.$", ".", line)


if __name__ == "__main__":
    PAGE.write_text(page())
