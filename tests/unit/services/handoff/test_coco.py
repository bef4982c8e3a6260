import json
from pathlib import Path
from typing import Any

import pytest

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.handoff import coco
from services.handoff.answered import Answered
from tests.leased_batch import a_batch

CLASSES = ("cat", "guinea pig")


def exported() -> dict[str, Any]:
    return json.loads(coco.write(a_batch(), CLASSES))


def read(folder: Path, document: Any, *, reviewed: bool = False) -> list[Answered]:
    file = folder / "coco.json"
    file.write_text(json.dumps(document))
    return coco.read(file, reviewed=reviewed)


def test_images_come_in_the_order_of_the_ranking_with_scored_predictions() -> None:
    document = exported()
    assert [image["file_name"] for image in document["images"]] == [
        "IMG_20260102_142301.jpg",
        "zoo/[1].jpg",
    ]
    assert document["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "guinea pig"}]
    assert document["annotations"] == [
        {"id": number, "image_id": number, "category_id": 2, "score": 0.25} for number in (1, 2)
    ]
    assert document["info"]["poolscore"]["prompt_version"] == "pools/p/promptVersions/2"


def test_predictions_are_no_answers_until_somebody_has_looked(tmp_path: Path) -> None:
    document = exported()
    assert read(tmp_path, document) == []
    found = read(tmp_path, document, reviewed=True)
    assert [each.answer.label for each in found] == ["guinea pig", "guinea pig"]


def test_annotations_without_a_score_are_answers(tmp_path: Path) -> None:
    document = exported()
    document["annotations"] += [
        {"id": 3, "image_id": 1, "category_id": 1},
        {"id": 4, "image_id": 2, "category_id": 1},
        {"id": 5, "image_id": 2, "category_id": 2},
    ]
    either = pb.Answer(candidates=pb.Candidates(labels=CLASSES))
    batch = "pools/p/batches/3"
    assert read(tmp_path, document) == [
        Answered(pb.Answer(label="cat"), item=f"{0:032x}", batch=batch),
        Answered(either, item=f"{1:032x}", batch=batch),
    ]


def test_a_tool_that_keeps_no_ids_gives_names(tmp_path: Path) -> None:
    document = exported() | {"info": {}}
    document["annotations"] = [{"id": 1, "image_id": 2, "category_id": 1}]
    document["images"] = [
        {"id": image["id"], "file_name": image["file_name"]} for image in document["images"]
    ]
    assert read(tmp_path, document) == [Answered(pb.Answer(label="cat"), file="zoo/[1].jpg")]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"images": None}, "has no list 'images'"),
        ({"categories": [{"id": 1}]}, "lacks 'name' in entry 0 of 'categories'"),
        ({"annotations": [7]}, "lacks 'image_id' in entry 0 of 'annotations'"),
        (
            {"annotations": [{"image_id": 9, "category_id": 1}]},
            "has an annotation with an unknown image_id, 9",
        ),
        (
            {"images": [{"id": 1}], "annotations": [{"image_id": 1, "category_id": 1}]},
            "has an image without a file_name, id 1",
        ),
    ],
)
def test_what_is_no_coco(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(tmp_path, exported() | change)
    assert f"coco.json' {problem}; give a COCO file" in caught.value.message
    assert caught.value.reason == "INVALID_ANSWERS_FILE"


def test_what_is_no_object(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="has no list 'images'"):
        read(tmp_path, [1])
    (tmp_path / "cut.json").write_text('{"images": [')
    with pytest.raises(InvalidInputError, match=r"cut\.json' is no JSON: .* in line 1; give"):
        coco.read(tmp_path / "cut.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InvalidInputError, match=r"nested too deeply"):
        coco.read(tmp_path / "deep.json")
