"""The filter of a list of pools: terms joined by AND, a small part of AIP-160."""

import re
from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, type_coerce

from poolscore.errors import InvalidInputError
from poolscore.store.column_types import Text
from poolscore.store.tables import pools

Condition = ColumnElement[bool]

_EQUAL: Mapping[str, Callable[[str], Condition]] = {
    "display_name": lambda value: pools.c.display_name == value,
    "strategy": lambda value: pools.c.strategy == value,
    "encoder.model": lambda value: type_coerce(pools.c.encoder["model"].as_string(), Text) == value,
}
_HAS: Mapping[str, Callable[[str], Condition]] = {
    "display_name": lambda value: pools.c.display_name.icontains(value, autoescape=True),
}
_PRESENT: Mapping[str, Condition] = {
    "active_snapshot": pools.c.active_snapshot.is_not(None),
    "delete_time": pools.c.delete_time.is_not(None),
}

_TERM = re.compile(r'([a-z_.]+)\s*([=:])\s*(?:"((?:[^"\\]|\\["\\])*)"|([\w*.-]+))')
_AND = re.compile(r"\s+AND\s+")
_ESCAPE = re.compile(r"\\(.)")


def pool_conditions(text: str) -> list[Condition]:
    """What a pool must fulfil to be listed; nothing for an empty filter.

    Raises InvalidInputError INVALID_FILTER that says where the filter stops being understood.
    """
    text, place = text.strip(), 0
    conditions: list[Condition] = []
    while place < len(text):
        if conditions:
            joint = _AND.match(text, place)
            if joint is None:
                raise _unsupported(text, place)
            place = joint.end()
        term = _TERM.match(text, place)
        condition = term and _condition(term)
        if term is None or condition is None:
            raise _unsupported(text, place)
        conditions.append(condition)
        place = term.end()
    return conditions


def _condition(term: re.Match[str]) -> Condition | None:
    field, operator, quoted, bare = term.groups()
    if operator == ":" and bare == "*":
        return _PRESENT.get(field)
    made = (_EQUAL if operator == "=" else _HAS).get(field)
    return made and made(bare if quoted is None else _ESCAPE.sub(r"\1", quoted))


def _unsupported(text: str, place: int) -> InvalidInputError:
    terms = [f'{field} = "..."' for field in _EQUAL]
    terms += [f'{field} : "..."' for field in _HAS] + [f"{field}:*" for field in _PRESENT]
    return InvalidInputError(
        f"the filter is not understood from '{text[place : place + 80]}' on; write terms joined by "
        f"AND, of these: {', '.join(terms)}",
        reason="INVALID_FILTER",
        field="filter",
    )
