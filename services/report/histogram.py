"""Histograms of p_clean above one axis, each in per cent of itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from services.report.formats import count, fixed, percent
from services.report.svg import element

_BINS = 25
_PANEL = 84
_PITCH = 122
_TOP = 30


@dataclass(frozen=True)
class Group:
    """What one histogram shows."""

    heading: str
    style: str
    """CSS class: `ours` or `wrong`."""
    values: Sequence[float] | npt.NDArray[np.floating]
    """Values that are not finite do not count."""


def right_and_wrong(
    right: Sequence[float] | npt.NDArray[np.floating],
    wrong: Sequence[float] | npt.NDArray[np.floating],
) -> Markup:
    """p_clean where the prediction is right and where it is wrong; these are usually many fewer."""
    return histograms(
        [Group("Prediction right", "ours", right), Group("Prediction wrong", "wrong", wrong)]
    )


def histograms(groups: Sequence[Group]) -> Markup:
    """One histogram a group, from top to bottom."""
    finite = [_finite(group.values) for group in groups]
    values = np.concatenate(finite)
    if not len(values):
        return element("p", "Not measured.", class_="empty")
    low = math.floor(10 * float(values.min())) / 10
    high = max(math.ceil(10 * float(values.max())) / 10, low + 0.1)
    shares = [_shares(each, low, high) for each in finite]
    most = max(max(part) for part in shares)
    parts = [
        _panel(group, each, part, most, low, high, _TOP + index * _PITCH)
        for index, (group, each, part) in enumerate(zip(groups, finite, shares, strict=True))
    ]
    base = _TOP + (len(groups) - 1) * _PITCH + _PANEL
    said = ", ".join(
        f"{group.heading}: {count(len(each))} images, median {_median(each)}"
        for group, each in zip(groups, finite, strict=True)
    )
    return element(
        "svg", *parts, _axis(low, high, base), class_="chart", role="img", width="100%",
        height=base + 44, aria_label=f"Histogram of p_clean. {said}.",
    )  # fmt: skip


def _finite(values: Sequence[float] | npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    found = np.asarray(values, np.float64)
    return found[np.isfinite(found)]


def _shares(values: npt.NDArray[np.float64], low: float, high: float) -> list[float]:
    bins, _ = np.histogram(values, _BINS, (low, high))
    return (bins / max(len(values), 1)).tolist()


def _median(values: npt.NDArray[np.float64]) -> str:
    return fixed(float(np.median(values)) if len(values) else math.nan)


def _panel(
    group: Group,
    values: npt.NDArray[np.float64],
    shares: Sequence[float],
    most: float,
    low: float,
    high: float,
    top: int,
) -> Markup:
    """One histogram with its heading above and its median marked."""
    base = top + _PANEL
    width = 100 / _BINS
    parts = [
        element("text", group.heading, x=0, y=top - 14, class_=f"value {group.style}"),
        element(
            "text", f"{count(len(values))} images · median {_median(values)}",
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
    if len(values):
        at = f"{100 * (float(np.median(values)) - low) / (high - low):.2f}%"
        parts.append(element("line", x1=at, x2=at, y1=top - 4, y2=base, class_="median"))
    return Markup("").join(parts)


def _axis(low: float, high: float, base: int) -> Markup:
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
