"""What a field may hold, in words, from its rules of protovalidate."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from buf.validate import validate_pb2

_validate: Any = validate_pb2  # it comes without types


def rules_of(field: FieldDescriptorProto, comment: str) -> str:
    """One or more sentences; empty for a field without rules, or whose comment says them."""
    rules = field.options.Extensions[_validate.field]
    said = [each for each in _said(rules, comment) if each]
    return " ".join(f"{each[0].upper()}{each[1:]}." for each in said)


def _said(rules: Any, comment: str) -> Iterator[str]:
    if rules.required:
        yield "required"
    if not comment:
        yield from _names(rules.string)
    many = rules.repeated
    yield _between(rules.string, "min_len", "max_len", "characters", comment)
    yield _between(many, "min_items", "max_items", "entries", comment)
    yield _between(many.items.string, "min_len", "max_len", "characters each", comment)
    for numbers in (rules.int32, rules.int64):
        yield _between(numbers, "gte", "lte", "", comment)


def _names(text: Any) -> Iterator[str]:
    """The predefined rules of names.proto; each says what it wants."""
    for extension, _ in text.ListFields():
        if extension.is_extension:
            (cel,) = extension.GetOptions().Extensions[_validate.predefined].cel
            yield cel.message


def _between(rules: Any, low: str, high: str, what: str, comment: str) -> str:
    least, most = (getattr(rules, each) if rules.HasField(each) else None for each in (low, high))
    if most is None:
        return f"{least:,} {what} or more".replace("  ", " ") if least else ""
    if str(most) in comment:
        return ""
    return f"{'up' if least is None else f'{least:,}'} to {most:,} {what}".strip()
