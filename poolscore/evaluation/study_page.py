"""A study as a folder that a reader opens: page, figures, every number as CSV and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from poolscore.evaluation.aggregate import (
    ArmCells,
    Comparison,
    cells_of,
    compare_cells,
    complete,
    ranked,
    unlabelled,
)
from poolscore.evaluation.budgets import FROM_SHARE, margins_over_label_free
from poolscore.evaluation.csv_file import study_csv
from poolscore.evaluation.curves import auroc_curves, learning_curves
from poolscore.evaluation.markdown import points
from poolscore.evaluation.records import Protocol, Study, Table
from poolscore.evaluation.summary import summarize
from poolscore.evaluation.tables import (
    auroc_table,
    noise_table,
    overall_table,
    round_table,
    unlabelled_table,
)
from poolscore.store.files import write_atomic
from poolscore.user_files import file_errors

_READING = """\
Accuracies are on the test images, in per cent, mean ± standard deviation over seeds; *average* is
the mean over all rounds after zero-shot. Arms are compared at equal rounds on the same seeds;
*answers* are those asked of people by the last round; *macro F1* and *ECE* (expected calibration
error) are those after it. A difference is the mean over pairs of the same data, protocol and seed,
in percentage points of the average, with the p of a two-sided sign-flip test: not corrected for the
number of arms, never below 2 / 2^n for n pairs, and too small where pairs share a data set, which
is why *ahead in* counts data sets and protocols. All numbers are in [cells.csv](cells.csv) and
[summary.json](summary.json).
"""


@dataclass(frozen=True)
class Arms:
    """Which arms the page is about."""

    default: str
    """Of Table.SELECTION."""
    joint_default: str
    """Of Table.JOINT, as its control."""
    joint_control: str
    candidate_arm: str = "naive + alignment"
    """Of Table.CANDIDATES, as its control."""
    candidate_control: str = "naive"


@dataclass(frozen=True)
class _Section:
    """Markdown under a heading, with the figures that it shows by file name."""

    text: str
    figures: dict[str, bytes]


def write_study_page(folder: Path, study: Study, arms: Arms, preface: str, closing: str) -> None:
    """Write README.md, summary.json, cells.csv and figures; the same study gives the same bytes.

    `preface` (with the title) and `closing` are Markdown around the tables. What a study lacks has
    no section. Raises InvalidInputError STUDY_PAGE when the folder cannot be written.
    """
    sections = [
        _Section(_READING, {}),
        _compared(study, Table.SELECTION, "Selection", arms.default),
        _compared(study, Table.JOINT, "Whole methods", arms.joint_default),
        _unlabelled(study, arms.joint_default),
        _confidence(study, arms.default),
        _candidates(study, arms),
    ]
    texts = [preface, *(section.text for section in sections), closing]
    page = "\n\n".join(text.strip() for text in texts if text.strip()) + "\n"
    files = {
        "README.md": page.encode(),
        "summary.json": _json(summarize(study, **asdict(arms))).encode(),
        "cells.csv": study_csv(study).encode(),
    }
    for section in sections:
        files |= section.figures
    with file_errors(folder, "name another folder", "STUDY_PAGE"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomic(fs.LocalFileSystem(), str(folder / name), data)


def _compared(study: Study, kind: Table, heading: str, default: str) -> _Section:
    """Figure, overall table and a table a data set and protocol."""
    comparisons = compare_cells(study, kind)
    begun = [comparison for comparison in comparisons if comparison.seeds]
    if not begun:
        return _Section("", {})
    whole = complete(comparisons)
    found = [name for name, _ in ranked(whole)]
    others = sorted({arm.arm for place in begun for arm in place.arms} - set(found))
    name = f"{kind.value}.svg"
    figure = learning_curves(begun, [*found, *others], default)
    parts = [
        f"## {heading}",
        f"![Learning curves: accuracy against answers, {len(begun)} panels]({name})",
        _overall(comparisons, whole, default),
        *(f"### {place.name}\n\n{_caption(place)}{round_table(place, default)}" for place in begun),
    ]
    return _Section("\n\n".join(part.strip() for part in parts), {name: figure})


def _overall(comparisons: Sequence[Comparison], whole: Sequence[Comparison], default: str) -> str:
    if not whole:
        return "No data set and protocol has all arms yet."
    of = "" if len(whole) == len(comparisons) else f" of {len(comparisons)}; the rest lacks arms"
    return f"Mean over {len(whole)}{of}:\n\n{overall_table(whole, default)}"


def _caption(comparison: Comparison) -> str:
    """Size of the pool, classes and seeds."""
    cell = comparison.arms[0].cells[0]
    seeds = comparison.remark or f"{comparison.planned} seeds"
    return f"{cell.pool:,} images that can be asked for, {cell.classes} classes, {seeds}.\n\n"


def _unlabelled(study: Study, joint_default: str) -> _Section:
    methods = unlabelled(study)
    if not methods:
        return _Section("", {})
    text = f"## Without any labels\n\n{unlabelled_table(methods)}"
    margins = margins_over_label_free(study, joint_default)
    if margins:
        worst = min(margins, key=lambda margin: margin.points)
        ahead = sum(margin.points > 0 for margin in margins)
        text += (
            f"\n\n*{joint_default}* is ahead of the best of these in {ahead} of {len(margins)} "
            f"budgets from {FROM_SHARE:.0%} of the pool on; its smallest margin is "
            f"{points(worst.points)} points ({worst.place}, {worst.answers:,} answers)."
        )
    return _Section(text, {})


def _confidence(study: Study, default: str) -> _Section:
    """AUROC of the signals that the default arm has, a table a protocol."""
    cells = [
        cell
        for cell in cells_of(study, Table.SELECTION, default)
        if any(entry.auroc for entry in cell.rounds)
    ]
    if not cells:
        return _Section("", {})
    parts = [
        "## Which predictions are right",
        f"AUROC of four confidences for that question, on the images without an answer, while "
        f"{default} chooses; 0.5 is chance. Mean ± standard deviation over data sets and seeds.",
        "![AUROC by round of four confidences](auroc.svg)",
    ]
    for protocol in Protocol:
        chosen = [cell for cell in cells if cell.key.protocol == protocol]
        if chosen:
            parts.append(f"### {protocol}\n\n{auroc_table(chosen)}")
    places = list(dict.fromkeys((cell.key.data, cell.key.protocol) for cell in cells))
    panels = [
        (f"{data}, {protocol}", ArmCells(default, tuple(
            cell for cell in cells if (cell.key.data, cell.key.protocol) == (data, protocol)
        )))
        for data, protocol in places
    ]  # fmt: skip
    return _Section(
        "\n\n".join(part.strip() for part in parts), {"auroc.svg": auroc_curves(panels)}
    )


def _candidates(study: Study, arms: Arms) -> _Section:
    """Overall by noise, then by data set and protocol."""
    whole = complete(compare_cells(study, Table.CANDIDATES))
    if not whole:
        return _Section("", {})
    parts = [
        "## Candidate sets",
        "Answers are sets of candidates, drawn alike for every arm; *noise* is the probability of "
        "every wrong class to be among them. Average accuracy over rounds.",
        noise_table(whole, arms.candidate_arm, arms.candidate_control),
    ]
    for data, protocol in dict.fromkeys((place.data, place.protocol) for place in whole):
        chosen = [place for place in whole if (place.data, place.protocol) == (data, protocol)]
        text = noise_table(chosen, arms.candidate_arm, arms.candidate_control)
        parts.append(f"### {data}, {protocol}, candidate sets\n\n{text}")
    return _Section("\n\n".join(part.strip() for part in parts), {})


def _json(document: dict[str, Any]) -> str:
    """Indented, but one line a cell."""
    cells = ",\n".join(json.dumps(cell, allow_nan=False) for cell in document["cells"])
    head = {name: value for name, value in document.items() if name != "cells"}
    start = json.dumps(head, indent=2, allow_nan=False, ensure_ascii=False)
    return start.removesuffix("\n}") + f',\n  "cells": [\n{cells}\n]\n}}\n'
