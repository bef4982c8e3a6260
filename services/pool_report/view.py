"""What the template shows that the data does not say directly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.pool_report.data import ClassRow, PoolReport, VersionRow
from services.pool_report.judged import calibration
from services.report.charts import Line, fit, line_chart
from services.report.curves import auroc_chart
from services.report.data import CurvePoint
from services.report.formats import percent, share
from services.report.histogram import Group, histograms, right_and_wrong
from services.report.rejects import RejectRow, reject_rows
from services.report.view import Tile, build_tiles


@dataclass(frozen=True)
class ClassBar:
    """Shares of a class; places are in per cent of the widest share."""

    of: ClassRow
    share: float
    share_predicted: float
    width: float
    at_predicted: float


@dataclass(frozen=True)
class PoolView:
    """Everything beside PoolReport that the template shows."""

    verdict: str
    measured: Sequence[VersionRow]
    """Versions that were compared and not refused, by labels."""
    headline: VersionRow | None
    """The active one of these, else that with the most labels."""
    active: VersionRow
    budget: str
    accuracy: Markup
    auroc: Markup
    judged_histogram: Markup
    open_histogram: Markup
    calibration: Sequence[tuple[float, float, int, float]]
    judged: VersionRow
    """The newest version whose predictions were judged, else the active one."""
    tiles: Sequence[Tile]
    classes: Sequence[ClassBar]
    labelled_classes: int
    labelled: float
    """Share of the embedded images that are answered."""
    rejects: Sequence[RejectRow]


def build_pool_view(report: PoolReport) -> PoolView:
    """Draw the charts, read the pictures and add up the shares."""
    by_labels = sorted(report.versions, key=lambda row: (row.labels, row.number))
    measured = [
        row for row in by_labels if math.isfinite(row.accuracy) and (row.active or not row.refused)
    ]
    (active,) = (row for row in report.versions if row.active)
    judged = next((row for row in report.versions[::-1] if len(row.judged.right)), active)
    p_clean, right = judged.judged.p_clean, judged.judged.right
    counts = report.pool.counts
    return PoolView(
        verdict=_verdict(report, active),
        measured=measured,
        headline=next((row for row in measured if row.active), measured[-1] if measured else None),
        active=active,
        budget=_budget(report),
        accuracy=_accuracy(measured),
        auroc=auroc_chart([_point(row) for row in by_labels]),
        judged_histogram=right_and_wrong(p_clean[right], p_clean[~right]),
        open_histogram=histograms([Group("Open images", "ours", report.open_p_clean)]),
        calibration=calibration(judged.judged),
        judged=judged,
        tiles=build_tiles(report.sheet),
        classes=_classes(report.classes),
        labelled_classes=sum(row.labels > 0 for row in report.classes),
        labelled=share(counts.answered, counts.embedded),
        rejects=reject_rows(report.rejects),
    )


def _verdict(report: PoolReport, active: VersionRow) -> str:
    counts = report.pool.counts
    learned = (
        f"has learned from {active.labels:,} labels" if active.labels else "is zero-shot: untrained"
    )
    since = f"; {report.untrained:,} answers came since" if report.untrained else ""
    return (
        f"{counts.answered:,} of {counts.embedded:,} images are answered. Prompt version "
        f"{active.number} is active and {learned}{since}."
    )


def _budget(report: PoolReport) -> str:
    pool = report.pool
    if not pool.budget:
        return f"{pool.spent:,} spent, no limit"
    left = max(0, pool.budget - pool.spent - pool.counts.leased)
    return f"{pool.spent:,} of {pool.budget:,} spent, {left:,} left"


def _accuracy(measured: Sequence[VersionRow]) -> Markup:
    line = Line("held out", [(row.labels, row.accuracy) for row in measured], "ours")
    label = "Accuracy on held-out labels by labels trained with: " + ", ".join(
        f"version {row.number} {percent(row.accuracy)}" for row in measured
    )
    axis = fit([row.accuracy for row in measured], lambda v: f"{100 * v:g}%", percent)
    return line_chart([line], axis, label=label, x_label="labels trained with", y_label="accuracy")


def _point(row: VersionRow) -> CurvePoint:
    judged = row.judged
    return CurvePoint(
        labels=row.labels,
        accuracy=row.accuracy,
        accuracy_random=math.nan,
        auroc_p_clean=judged.auroc_p_clean,
        auroc_max_prob=judged.auroc_max_prob,
    )


def _classes(rows: Sequence[ClassRow]) -> list[ClassBar]:
    labels, predicted = sum(row.labels for row in rows), sum(row.predicted for row in rows)
    shares = [(share(row.labels, labels), share(row.predicted, predicted)) for row in rows]
    widest = max([s for pair in shares for s in pair if math.isfinite(s)], default=0.0) or 1.0
    bars = [
        ClassBar(
            row, *pair, *(100 * part / widest if math.isfinite(part) else 0.0 for part in pair)
        )
        for row, pair in zip(rows, shares, strict=True)
    ]
    return sorted(bars, key=lambda bar: (-bar.of.labels, bar.of.name))
