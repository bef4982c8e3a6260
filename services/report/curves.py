"""Learning curves: what becomes of a number as labels are spent."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from services.report.charts import Axis, Line, fit, line_chart
from services.report.data import CurvePoint
from services.report.formats import fixed

_UNIT = Axis(0.0, 1.0, fixed, fixed)


def auroc_chart(curve: Sequence[CurvePoint]) -> Markup:
    """How well p_clean and the largest probability find mistakes, by labels spent."""
    measured = [v for p in curve for v in (p.auroc_p_clean, p.auroc_max_prob) if math.isfinite(v)]
    axis = fit([*measured, 0.5], fixed, fixed) if measured else _UNIT
    last = curve[-1]
    lines = [
        Line("max-prob", [(p.labels, p.auroc_max_prob) for p in curve], "control"),
        Line("p_clean", [(p.labels, p.auroc_p_clean) for p in curve], "ours"),
    ]
    if measured:
        lines.insert(0, level("chance", 0.5, last))
    label = (
        f"Area under the ROC curve after {last.labels} labels: p_clean "
        f"{fixed(last.auroc_p_clean)}, max-prob {fixed(last.auroc_max_prob)}."
    )
    return line_chart(lines, axis, label=label, x_label="labels spent", y_label="AUROC")


def level(name: str, value: float, last: CurvePoint) -> Line:
    """A dashed line at one value, as wide as the curve."""
    return Line(name, [(0.0, value), (max(last.labels, 1.0), value)], "baseline", marked=False)
