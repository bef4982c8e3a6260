"""A batch as COCO JSON: images, categories, and predictions as annotations with a score.

These are annotations of whole images, without boxes. An annotation that has a score is a
prediction, as in COCO's format of results, and one without is an answer.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poolscore.v1.query_service_pb2 import Batch
from services.commands.file_names import file_names
from services.commands.options import item_id
from services.handoff.answered import Answered, answer_of
from services.handoff.files import read_json, refuse

_ADVICE = "give a COCO file with the lists 'images', 'categories' and 'annotations'"


def write(batch: Batch, classes: Sequence[str]) -> str:
    """The items of a batch as images in the order of the ranking, with what is predicted."""
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    files = file_names([item.uri for item in batch.items])
    origin = {
        "batch": batch.name,
        "ranking": batch.ranking,
        "prompt_version": batch.prompt_version,
    }
    document = {
        "info": {"description": f"poolscore {batch.name}", "poolscore": origin},
        "images": [
            {"id": number, "file_name": file, "uri": item.uri, "item": item_id(item.name)}
            for number, (item, file) in enumerate(zip(batch.items, files, strict=True), start=1)
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": numbers[item.prediction.label],
                "score": round(item.prediction.p_clean, 4),
            }
            for number, item in enumerate(batch.items, start=1)
            # A class that the pool has no more is no category either.
            if item.prediction.label in numbers
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def read(path: Path, *, reviewed: bool = False) -> list[Answered]:
    """Answers by image: the categories of its annotations.

    Annotations with a score count only when somebody has `reviewed` every image. Raises
    InvalidInputError INVALID_ANSWERS_FILE.
    """
    document = read_json(path, _ADVICE)
    images = {each["id"]: each for each in _objects(path, document, "images", "id")}
    names = {
        each["id"]: str(each["name"])
        for each in _objects(path, document, "categories", "id", "name")
    }
    said: dict[Any, list[str]] = {}
    for each in _objects(path, document, "annotations", "image_id", "category_id"):
        for key, known in (("image_id", images), ("category_id", names)):
            if each[key] not in known:
                refuse(path, f"has an annotation with an unknown {key}, {each[key]!r}", _ADVICE)
        if reviewed or each.get("score") is None:
            said.setdefault(each["image_id"], []).append(names[each["category_id"]])
    info = document.get("info")
    origin = info.get("poolscore") if isinstance(info, dict) else None
    batch = str(origin.get("batch", "")) if isinstance(origin, dict) else ""
    return [_answered(path, images[image], classes, batch) for image, classes in said.items()]


def _answered(path: Path, image: Any, classes: list[str], batch: str) -> Answered:
    item, file = image.get("item"), image.get("file_name")
    if item:
        return Answered(answer_of(classes), item=str(item), batch=batch)
    if not file:
        refuse(path, f"has an image without a file_name, id {image['id']!r}", _ADVICE)
    return Answered(answer_of(classes), file=str(file), batch=batch)


def _objects(path: Path, document: Any, name: str, *keys: str) -> list[dict[str, Any]]:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, list):
        refuse(path, f"has no list '{name}'", _ADVICE)
    for number, each in enumerate(found):
        missing = [key for key in keys if not isinstance(each, dict) or not _scalar(each.get(key))]
        if missing:
            refuse(path, f"lacks '{missing[0]}' in entry {number} of '{name}'", _ADVICE)
    return found


def _scalar(value: Any) -> bool:
    return isinstance(value, int | str)
