"""Two histograms above one axis: p_clean where the prediction is right and where it is wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from services.report.formats import count, fixed, percent
from services.report.svg import element

_BINS = 25
_PANEL = 84
_PITCH = 122
_HEIGHT = 30 + _PITCH + _PANEL + 44


@dataclass(frozen=True)
class _Group:
    name: str
    style: str
    values: Sequence[float]


def histograms(right: Sequence[float], wrong: Sequence[float]) -> Markup:
    """Each group in per cent of itself, since the right predictions are usually many more."""
    groups = [
        _Group("right", "ours", [v for v in right if math.isfinite(v)]),
        _Group("wrong", "wrong", [v for v in wrong if math.isfinite(v)]),
    ]
    values = [value for group in groups for value in group.values]
    if not values:
        return element("p", "Not measured.", class_="empty")
    low = math.floor(10 * min(values)) / 10
    high = max(math.ceil(10 * max(values)) / 10, low + 0.1)
    shares = [_shares(group.values, low, high) for group in groups]
    most = max(max(part) for part in shares)
    parts = [
        _panel(group, part, most, low, high, 30 + index * _PITCH)
        for index, (group, part) in enumerate(zip(groups, shares, strict=True))
    ]
    said = ", ".join(
        f"{group.name}: {count(len(group.values))} images, median {_median(group.values)}"
        for group in groups
    )
    return element(
        "svg", *parts, _axis(low, high), class_="chart", role="img", width="100%",
        height=_HEIGHT, aria_label=f"Histograms of p_clean by prediction. {said}.",
    )  # fmt: skip


def _shares(values: Sequence[float], low: float, high: float) -> list[float]:
    bins = [0] * _BINS
    for value in values:
        bins[min(int((value - low) / (high - low) * _BINS), _BINS - 1)] += 1
    return [number / max(len(values), 1) for number in bins]


def _median(values: Sequence[float]) -> str:
    return fixed(median(values) if values else math.nan)


def _panel(
    group: _Group, shares: Sequence[float], most: float, low: float, high: float, top: int
) -> Markup:
    """One histogram with its heading above and its median marked."""
    base = top + _PANEL
    width = 100 / _BINS
    heading = f"Prediction {group.name}"
    parts = [
        element("text", heading, x=0, y=top - 14, class_=f"value {group.style}"),
        element(
            "text", f"{count(len(group.values))} images · median {_median(group.values)}",
            x="100%", y=top - 14, class_="tick end",
        ),
    ]  # fmt: skip
    for index, part in enumerate(shares):
        tall = _PANEL * part / most
        start = low + (high - low) * index / _BINS
        hint = element(
            "title", f"{fixed(start)} to {fixed(start + (high - low) / _BINS)}: {percent(part)}"
        )
        parts.append(
            element(
                "rect", hint, x=f"{index * width:.2f}%", width=f"{0.86 * width:.2f}%",
                y=base - tall, height=tall, class_=f"bar {group.style}",
            )
        )  # fmt: skip
    parts.append(element("line", x1=0, x2="100%", y1=base, y2=base, class_="axis"))
    if group.values:
        at = f"{100 * (median(group.values) - low) / (high - low):.2f}%"
        parts.append(element("line", x1=at, x2=at, y1=top - 4, y2=base, class_="median"))
    return Markup("").join(parts)


def _axis(low: float, high: float) -> Markup:
    base = 30 + _PITCH + _PANEL
    tenths = round(10 * (high - low))
    first = round(10 * low)
    every = 2 if tenths > 5 else 1
    parts = [
        element("text", f"{low + tenth / 10:.1f}", x=f"{100 * tenth / tenths:.2f}%", y=base + 18,
                class_="tick middle")
        for tenth in range(first % every, tenths + 1, every)
    ]  # fmt: skip
    parts.append(element("text", "p_clean", x="50%", y=base + 38, class_="name middle"))
    return Markup("").join(parts)
