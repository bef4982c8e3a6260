"""Numbers as people read them; what is not a finite number is an en dash."""

import math

MISSING = "\N{EN DASH}"


def percent(value: float, digits: int = 1) -> str:
    """0.9274 -> '92.7%'."""
    return f"{100 * value:.{digits}f}%" if math.isfinite(value) else MISSING


def points(value: float) -> str:
    """A signed difference of two shares in percentage points: 0.021 -> '+2.1'."""
    if not math.isfinite(value):
        return MISSING
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def fixed(value: float, digits: int = 2) -> str:
    """0.8312 -> '0.83'."""
    return f"{value:.{digits}f}" if math.isfinite(value) else MISSING


def count(value: float) -> str:
    """12345 -> '12,345'."""
    return f"{value:,.0f}" if math.isfinite(value) else MISSING


def seconds(value: float) -> str:
    """0.42 -> '0.42 s', 12.34 -> '12.3 s', 102 -> '1 min 42 s', 3720 -> '1 h 02 min'."""
    if not math.isfinite(value):
        return MISSING
    if value < 59.95:
        return f"{value:.{2 if value < 9.995 else 1}f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def share(part: float, whole: float) -> float:
    """part / whole; NaN when there is no whole."""
    return part / whole if whole else math.nan
