"""`--json`: what a command shows, for programs: JSON, one object a line, and nothing else.

Messages of the contract are written as Protobuf's JSON with the names of the contract: 64-bit
numbers are strings, enums names, times RFC 3339. Fields without a value are written as well, but
for messages and `optional` ones.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON, one object a line.")]


def print_json(shown: Message | Mapping[str, Any]) -> None:
    """Print one line; a mapping may hold messages, records, times and sets."""
    typer.echo(json.dumps(_plain(shown) if isinstance(shown, Message) else shown, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return MessageToDict(
            value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
