"""What the template shows that the data does not say directly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.report.charts import Line, fit, line_chart
from services.report.curves import auroc_chart, level
from services.report.data import ClassCount, CurvePoint, RankedImage, ReportData
from services.report.formats import percent, share
from services.report.histogram import right_and_wrong
from services.report.rejects import RejectRow, reject_rows
from services.report.thumbnails import thumbnails

CONTACT_SHEET = 60
"""Pictures shown at most; each adds about 6 KB to the file."""
CLASSES_SHOWN = 20
"""Classes of the balance table shown before one has to unfold the rest."""


@dataclass(frozen=True)
class Tile:
    """One picture of the contact sheet."""

    image: RankedImage
    thumbnail: str | None
    right: bool | None
    """Whether the prediction is the truth; None where the truth is unknown."""


@dataclass(frozen=True)
class BalanceRow:
    """Shares of one class; places are in per cent of the widest share."""

    of: ClassCount
    share: float
    share_random: float
    share_pool: float
    width: float
    at_random: float
    at_pool: float


@dataclass(frozen=True)
class StageRow:
    """One stage; the width is in per cent of the longest stage."""

    name: str
    seconds: float
    width: float
    share: float


@dataclass(frozen=True)
class View:
    """Everything beside ReportData that the template shows."""

    first: CurvePoint
    last: CurvePoint
    accuracy: Markup
    auroc: Markup
    histogram: Markup
    tiles: Sequence[Tile]
    balance: Sequence[BalanceRow]
    classes_labelled: int
    classes_labelled_random: int
    stages: Sequence[StageRow]
    stage_seconds: float
    rejects: Sequence[RejectRow]
    rejected: int
    labelled: float
    """Share of the embedded images that are labelled."""
    known: int
    """Tiles whose truth is known."""
    mistaken: int
    classes_shown: int = CLASSES_SHOWN


def build_view(data: ReportData) -> View:
    """Draw the charts, read the pictures and add up the shares."""
    tiles = build_tiles(data.contact_sheet)
    return View(
        first=data.curve[0],
        last=data.curve[-1],
        accuracy=_accuracy(data),
        auroc=auroc_chart(data.curve),
        histogram=right_and_wrong(data.p_clean_right, data.p_clean_wrong),
        tiles=tiles,
        balance=_balance(data.balance),
        classes_labelled=sum(row.labels > 0 for row in data.balance),
        classes_labelled_random=sum(row.labels_random > 0 for row in data.balance),
        stages=_stages(data.stages),
        stage_seconds=sum(_measured(data.stages)),
        rejects=reject_rows(data.rejects),
        rejected=sum(data.rejects.values()),
        labelled=share(data.curve[-1].labels, data.embedded),
        known=sum(tile.right is not None for tile in tiles),
        mistaken=sum(tile.right is False for tile in tiles),
    )


def _accuracy(data: ReportData) -> Markup:
    first, last = data.curve[0], data.curve[-1]
    lines = [
        level("zero-shot", first.accuracy, last),
        Line("random", [(p.labels, p.accuracy_random) for p in data.curve], "control"),
        Line(data.strategy, [(p.labels, p.accuracy) for p in data.curve], "ours"),
    ]
    label = (
        f"Accuracy by labels spent: zero-shot {percent(first.accuracy)}, after {last.labels} "
        f"labels {data.strategy} {percent(last.accuracy)}, random {percent(last.accuracy_random)}."
    )
    values = [y for line in lines for _, y in line.points]
    axis = fit(values, lambda v: f"{100 * v:g}%", percent)
    return line_chart(
        lines, axis, label=label, x_label="labels spent", y_label="accuracy on the test images"
    )


def build_tiles(images: Sequence[RankedImage]) -> list[Tile]:
    """Tiles of the first images, with their pictures."""
    shown = images[:CONTACT_SHEET]
    pictures = thumbnails(image.uri for image in shown)
    return [_tile(*each) for each in zip(shown, pictures, strict=True)]


def _tile(image: RankedImage, thumbnail: str | None) -> Tile:
    right = None if image.truth is None else image.truth == image.predicted
    return Tile(image, thumbnail, right)


def _balance(classes: Sequence[ClassCount]) -> list[BalanceRow]:
    ours = sum(row.labels for row in classes)
    random = sum(row.labels_random for row in classes)
    pool = sum(row.pool for row in classes)
    shares = [
        (share(row.labels, ours), share(row.labels_random, random), share(row.pool, pool))
        for row in classes
    ]
    widest = max([s for three in shares for s in three if math.isfinite(s)], default=0.0) or 1.0
    rows = [
        BalanceRow(row, *three, *(place(part, widest) for part in three))
        for row, three in zip(classes, shares, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.of.labels, row.of.name))


def place(part: float, widest: float) -> float:
    """A share in per cent of the widest one; 0 where there is none."""
    return 100 * part / widest if math.isfinite(part) else 0.0


def _stages(stages: Sequence[tuple[str, float]]) -> list[StageRow]:
    total = sum(_measured(stages))
    longest = max(_measured(stages), default=0.0) or 1.0
    return [
        StageRow(name, seconds, place(seconds, longest), share(seconds, total))
        for name, seconds in stages
    ]


def _measured(stages: Sequence[tuple[str, float]]) -> list[float]:
    return [seconds for _, seconds in stages if math.isfinite(seconds)]
