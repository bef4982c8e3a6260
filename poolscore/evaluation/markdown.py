"""Markdown tables, and numbers as people read them in a study; an en dash where there is none."""

import math
from collections.abc import Sequence

from poolscore.evaluation.spread import Spread

MISSING = "\N{EN DASH}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers; ends with a newline.

    Raises ValueError when a row is not as long as the header.
    """
    lines = [list(header), ["---"] + ["---:"] * (len(header) - 1)]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} values under {len(header)} headings: {row}")
        lines.append([value.replace("|", "\\|").replace("\n", " ") for value in row])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def percent(value: Spread) -> str:
    """Spread of shares -> '81.2 ± 0.4', in per cent; without ± for one number."""
    return _with_std(value, 100.0, 1)


def share(value: Spread) -> str:
    """Spread of shares -> '0.812 ± 0.004'."""
    return _with_std(value, 1.0, 3)


def points(value: float) -> str:
    """A difference in percentage points -> '+1.20'."""
    if math.isnan(value):
        return MISSING
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def count(value: Spread) -> str:
    """Mean of counts -> '96', or '95.4' where seeds differ."""
    if value.n == 0:
        return MISSING
    return f"{value.mean:,.{0 if value.mean.is_integer() else 1}f}"


def p_value(value: float) -> str:
    """0.0312 -> '0.031', 0.00001 -> '< 0.001'."""
    if math.isnan(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _with_std(value: Spread, factor: float, digits: int) -> str:
    if value.n == 0:
        return MISSING
    mean = f"{factor * value.mean:.{digits}f}"
    return mean if value.n == 1 else f"{mean} ± {factor * value.std:.{digits}f}"
