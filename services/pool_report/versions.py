"""How good each prompt version is known to be."""

import math
from collections.abc import Sequence

from poolscore.store.records import LabelEvent, PromptVersion
from services.pool_report.data import VersionRow
from services.pool_report.judged import judge


def version_rows(
    versions: Sequence[PromptVersion], active: int, effective: Sequence[LabelEvent]
) -> list[VersionRow]:
    """A row a version, in their order; `effective` are the answers in force."""
    accuracy = _accuracies(versions)
    classes = {version.number: version.classes for version in versions}
    by_version: dict[int | None, list[LabelEvent]] = {}
    for event in effective:
        by_version.setdefault(event.prompt_version, []).append(event)
    return [
        VersionRow(
            number=version.number,
            active=version.number == active,
            labels=version.label_count,
            create_time=version.create_time,
            accuracy=accuracy.get(version.number, (math.nan, 0))[0],
            held_out=accuracy.get(version.number, (math.nan, 0))[1],
            refused=_refused(version),
            judged=judge(by_version.get(version.number, ()), classes),
        )
        for version in versions
    ]


def _accuracies(versions: Sequence[PromptVersion]) -> dict[int, tuple[float, int]]:
    """Accuracy and number of held-out labels: those of the version's own comparison, or of a later
    one, in which it was the version before."""
    found: dict[int, tuple[float, int]] = {}
    for version in versions:
        judged = version.promotion
        if judged is None or judged.accuracy is None or judged.active_accuracy is None:
            continue
        found.setdefault(judged.compared_with, (judged.active_accuracy, judged.held_out))
        found[version.number] = judged.accuracy, judged.held_out
    return found


def _refused(version: PromptVersion) -> str:
    return version.promotion.reason if version.promotion and not version.promotion.promoted else ""
