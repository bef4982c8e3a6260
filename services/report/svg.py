"""Escaped SVG elements, and places on an axis."""

import math
from collections.abc import Sequence

from markupsafe import Markup


def element(tag: str, *children: str, **attributes: str | float) -> Markup:
    """One element; text and attribute values are escaped, `class_` and `_` become `class` and `-`.

    Children that are Markup stay as they are. Numbers keep two decimals at most.
    """
    written = [
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _plain(value))
        for name, value in attributes.items()
    ]
    inside = Markup("").join(children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), Markup("").join(written), inside)


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) that cover low..high; `most` >= 2."""
    if not high > low:
        high = low + 1.0
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0):
        step = factor * power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < most:
            return [round(k * step, 12) for k in range(first, last + 1)]
    raise AssertionError("a step of 20 powers always covers the range")


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart until neighbours are `gap` away, inside low..high where they fit."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    floor = low
    for index in order:
        moved[index] = max(moved[index], floor)
        floor = moved[index] + gap
    ceiling = high
    for index in reversed(order):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return moved
