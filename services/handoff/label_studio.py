"""A batch as tasks of Label Studio with predictions, and the annotations of tasks as answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from poolscore.v1.query_service_pb2 import Batch, Prediction, RankedItem
from services.commands.options import item_id
from services.handoff.answered import Answered, answer_of
from services.handoff.files import read_json, refuse

_ADVICE = "export the project as JSON (not JSON-MIN) with the tasks that poolscore made"


@dataclass(frozen=True)
class Interface:
    """What a labeling interface calls its choices, its image, and the field of that."""

    choices: str = "label"
    image: str = "image"
    field: str = "image"


def labeling_config(classes: Sequence[str]) -> str:
    """A labeling interface for the classes: one choice is the label, several are candidates."""
    choices = "".join(f"\n    <Choice value={quoteattr(name)}/>" for name in classes)
    return (
        '<View className="poolscore">\n'
        '  <Image name="image" value="$image"/>\n'
        '  <Text name="reason" value="$reason"/>\n'
        '  <Choices name="label" toName="image" choice="multiple" required="true" '
        f'showInline="true">{choices}\n  </Choices>\n'
        "</View>\n"
    )


def model_version(prompt_version: str) -> str:
    """Name of a prompt version as a model of Label Studio."""
    _, pool, _, number = prompt_version.split("/")
    return f"{pool} prompts {number}"


def prediction(
    predicted: Prediction, version: str, interface: Interface | None = None
) -> dict[str, Any]:
    """A prediction as Label Studio shows it; its score is p_clean."""
    interface = interface or Interface()
    choice = {
        "from_name": interface.choices,
        "to_name": interface.image,
        "type": "choices",
        "value": {"choices": [predicted.label]},
    }
    return {
        "model_version": version,
        "score": round(predicted.p_clean, 6),
        "result": [choice],
    }


def task(
    batch: Batch, item: RankedItem, image: str, interface: Interface | None = None
) -> dict[str, Any]:
    """An item of a batch as a task, with its image at this address."""
    interface = interface or Interface()
    return {
        "data": {
            interface.field: image,
            "item": item_id(item.name),
            "rank": item.rank,
            "reason": item.reason,
        },
        "meta": {
            "poolscore": {
                "item": item_id(item.name),
                "batch": batch.name,
                "ranking": batch.ranking,
                "prompt_version": batch.prompt_version,
                "rank": item.rank,
            }
        },
        "predictions": [
            prediction(item.prediction, model_version(batch.prompt_version), interface)
        ],
    }


def write(batch: Batch, image_address: Callable[[str], str]) -> str:
    """The items of a batch as tasks in the order of the ranking.

    `image_address` says where Label Studio finds what lies at a URI.
    """
    tasks = [task(batch, item, image_address(item.uri)) for item in batch.items]
    return json.dumps(tasks, indent=1, ensure_ascii=False)


def read(path: Path) -> list[Answered]:
    """Answers of the exported tasks. Raises InvalidInputError INVALID_ANSWERS_FILE."""
    tasks = read_json(path, _ADVICE)
    if not isinstance(tasks, list):
        refuse(path, "is no list of tasks", _ADVICE)
    found: list[Answered] = []
    for number, each in enumerate(tasks):
        if not isinstance(each, dict) or not isinstance(each.get("annotations"), list):
            refuse(path, f"has no annotations in its task {number}", _ADVICE)
        try:
            annotations = annotations_of(each, _name_in_file)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"has an annotation in task {each.get('id', number)} that is none of Label "
            refuse(path, f"{problem}Studio's ({type(error).__name__}: {error})", _ADVICE)
        if annotations and not origin_of(each).get("item"):
            refuse(path, f"does not say the item of task {each.get('id', number)}", _ADVICE)
        found += [annotation.answered for annotation in annotations]
    return found


@dataclass(frozen=True)
class Annotation:
    """The newest thing that one annotator says of one task."""

    id: int
    updated: str
    """ISO time, which differs for every version of it."""
    answered: Answered


def origin_of(task: Mapping[str, Any]) -> dict[str, Any]:
    """What poolscore has written into a task: item, batch, ...; empty for one of somebody else."""
    meta = task.get("meta")
    found = meta.get("poolscore") if isinstance(meta, dict) else None
    if isinstance(found, dict):
        return found
    data = task.get("data")
    return {"item": data["item"]} if isinstance(data, dict) and data.get("item") else {}


def annotations_of(task: Mapping[str, Any], name_of: Callable[[Any], str]) -> list[Annotation]:
    """One annotation an annotator, whom `name_of` names by what the task says of them.

    A skipped or empty one says that the annotator cannot tell.
    """
    origin = origin_of(task)
    newest: dict[str, Annotation] = {}
    for each in sorted(task["annotations"], key=lambda each: (each["updated_at"], each["id"])):
        annotator = name_of(each.get("completed_by"))
        answered = Answered(
            answer_of(() if each.get("was_cancelled") else _choices(each.get("result") or [])),
            item=str(origin.get("item", "")),
            annotator=annotator,
            batch=str(origin.get("batch", "")),
        )
        newest[annotator] = Annotation(each["id"], each["updated_at"], answered)
    return list(newest.values())


def unnamed(user: int | None) -> str:
    """Who answered, where only the number of the user is known."""
    return f"label-studio user {user}" if user else ""


def _choices(result: Sequence[Mapping[str, Any]]) -> list[str]:
    chosen = [each["value"]["choices"] for each in result if each.get("type") == "choices"]
    return [name for names in chosen for name in names]


def _name_in_file(user: Any) -> str:
    if isinstance(user, dict):
        return str(user.get("email") or unnamed(user.get("id")))
    return unnamed(user)
