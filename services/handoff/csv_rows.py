"""A batch as comma-separated values: a row an image, with an empty column to fill in."""

import csv
import io
from pathlib import Path

from poolscore.errors import InvalidInputError
from poolscore.user_files import read_rows
from poolscore.v1.query_service_pb2 import Batch
from services.commands.options import item_id
from services.handoff.answered import Answered, parse_answer
from services.handoff.files import REASON

COLUMNS = ("item", "label", "predicted", "probability", "p_clean", "uri", "reason")
"""Header of an exported batch; `label` is empty, for the annotator to fill in."""


def write(batch: Batch) -> str:
    """The items of a batch with an empty `label` column."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for item in batch.items:
        writer.writerow(
            {
                "item": item_id(item.name),
                "label": "",
                "predicted": item.prediction.label,
                "probability": f"{item.prediction.probability:.4f}",
                "p_clean": f"{item.prediction.p_clean:.4f}",
                "uri": item.uri,
                "reason": item.reason,
            }
        )
    return text.getvalue()


def read(path: Path) -> list[Answered]:
    """The rows whose `label` was filled in; a column `annotator` says by whom.

    Raises InvalidInputError INVALID_ANSWERS_FILE.
    """
    rows = read_rows(
        path,
        ("item", "label"),
        "give a UTF-8 file of comma-separated values, as `lease --out` writes it",
        REASON,
    )
    found: list[Answered] = []
    for row in rows:
        text = row["label"].strip()
        if text and not row["item"]:
            raise InvalidInputError(
                f"'{path}' has an answer, '{text}', without an item; fill in its column 'item'",
                reason=REASON,
            )
        if text:  # the others are not answered yet
            who = row.get("annotator", "").strip()
            found.append(Answered(parse_answer(text), item=row["item"], annotator=who))
    return found
