import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.handoff import label_studio
from services.handoff.answered import Answered
from services.handoff.label_studio import Interface
from tests.leased_batch import FOLDER, REASON, a_batch

BATCH = "pools/p/batches/3"


def annotation(*classes: str, user: Any = 7, at: int = 1, **fields: Any) -> dict[str, Any]:
    result = [
        {"from_name": "label", "to_name": "image", "type": "choices"}
        | {"value": {"choices": list(classes)}}
    ] * bool(classes)
    return {
        "id": at,
        "completed_by": user,
        "was_cancelled": False,
        "updated_at": f"2026-01-02T03:04:{at:02}.000000Z",
        "result": result,
    } | fields


def export(*annotations: dict[str, Any]) -> list[Any]:
    """The exported batch with annotations of its first task."""
    tasks = json.loads(label_studio.write(a_batch(), lambda uri: uri))
    for number, task in enumerate(tasks, start=1):
        task |= {"id": number, "annotations": []}
    tasks[0]["annotations"] = list(annotations)
    return tasks


def read(folder: Path, document: Any) -> list[Answered]:
    file = folder / "export.json"
    file.write_text(json.dumps(document))
    return label_studio.read(file)


def test_a_task_carries_where_it_is_from_and_what_is_predicted() -> None:
    task = json.loads(label_studio.write(a_batch(), lambda uri: uri + "?key"))[1]
    assert task["data"] == {
        "image": f"{FOLDER}/zoo/[1].jpg?key",
        "item": f"{1:032x}",
        "rank": 1,
        "reason": REASON,
    }
    assert task["meta"]["poolscore"] == {
        "item": f"{1:032x}",
        "batch": BATCH,
        "ranking": "pools/p/rankings/4",
        "prompt_version": "pools/p/promptVersions/2",
        "rank": 1,
    }
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("p prompts 2", 0.25)
    assert prediction["result"] == annotation("guinea pig")["result"]


def test_another_interface_has_other_names() -> None:
    batch = a_batch()
    task = label_studio.task(batch, batch.items[0], "x.jpg", Interface("kind", "photo", "url"))
    assert task["data"]["url"] == "x.jpg"
    result = task["predictions"][0]["result"][0]
    assert (result["from_name"], result["to_name"]) == ("kind", "photo")


def test_the_interface_has_a_choice_a_class() -> None:
    classes = ["guinea pig", '<a> & "b"']
    root = ElementTree.fromstring(label_studio.labeling_config(classes))
    assert [choice.get("value") for choice in root.iter("Choice")] == classes


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (annotation("cat"), pb.Answer(label="cat")),
        (annotation("cat", "dog"), pb.Answer(candidates=pb.Candidates(labels=["cat", "dog"]))),
        (annotation(), pb.Answer(abstain=pb.Abstain())),
        (annotation("cat", was_cancelled=True), pb.Answer(abstain=pb.Abstain())),
    ],
)
def test_annotations_are_answers(tmp_path: Path, given: dict[str, Any], answer: pb.Answer) -> None:
    expected = Answered(answer, item=f"{0:032x}", annotator="label-studio user 7", batch=BATCH)
    assert read(tmp_path, export(given)) == [expected]


def test_the_newest_annotation_of_each_user_counts(tmp_path: Path) -> None:
    ann = {"id": 8, "email": "ann@example.org"}
    found = read(
        tmp_path,
        export(annotation("dog", at=3), annotation("owl", user=ann), annotation("cat", at=2)),
    )
    assert {each.annotator: each.answer.label for each in found} == {
        "label-studio user 7": "dog",
        "ann@example.org": "owl",
    }


def test_tasks_without_annotations_and_of_others_are_passed_over(tmp_path: Path) -> None:
    others = {"id": 9, "data": {"image": "x.jpg"}, "annotations": []}
    assert read(tmp_path, [*export(), others]) == []


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "is no list of tasks"),
        ([{"image": "x", "label": "cat"}], "has no annotations in its task 0"),
        (
            [{"id": 9, "data": {}, "annotations": [annotation("cat")]}],
            "does not say the item of task 9",
        ),
        (
            [{"id": 9, "data": {"item": "i"}, "annotations": [{}]}],
            "has an annotation in task 9 that is none of Label Studio's (KeyError: 'updated_at')",
        ),
    ],
)
def test_what_is_no_export(tmp_path: Path, document: Any, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(tmp_path, document)
    assert f"export.json' {problem}; export the project as JSON" in caught.value.message
