from pathlib import Path
from xml.etree import ElementTree

import pytest

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.handoff import cvat
from services.handoff.answered import Answered
from tests.leased_batch import a_batch

CLASSES = ("guinea pig", "<cat> & 'dog'")


def annotated(folder: Path, *tags: tuple[str, str]) -> Path:
    """The exported batch with further tags of the second image."""
    root = ElementTree.fromstring(cvat.write(a_batch(), CLASSES))
    for label, source in tags:
        ElementTree.SubElement(root.findall("image")[1], "tag", {"label": label, "source": source})
    file = folder / "annotations.xml"
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    return file


def test_images_are_tagged_with_what_is_predicted() -> None:
    text = cvat.write(a_batch(), CLASSES)
    assert text.startswith("<?xml version='1.0' encoding='utf-8'?>\n")
    root = ElementTree.fromstring(text)
    assert root.findtext("version") == "1.1"
    assert [name.text for name in root.findall("meta/task/labels/label/name")] == list(CLASSES)
    assert [image.get("name") for image in root.findall("image")] == [
        "IMG_20260102_142301.jpg",
        "zoo/[1].jpg",
    ]
    for tag in root.findall("image/tag"):
        assert tag.attrib == {"label": "guinea pig", "source": "auto"}


def test_predictions_are_no_answers_until_somebody_has_looked(tmp_path: Path) -> None:
    file = annotated(tmp_path)
    assert cvat.read(file) == []
    assert [each.answer.label for each in cvat.read(file, reviewed=True)] == ["guinea pig"] * 2


def test_what_a_person_has_set_or_changed_is_an_answer(tmp_path: Path) -> None:
    label, file = CLASSES[1], "zoo/[1].jpg"
    for source in ("manual", "semi-auto"):
        assert cvat.read(annotated(tmp_path, (label, source))) == [
            Answered(pb.Answer(label=label), file=file)
        ]
    both = annotated(tmp_path, ("guinea pig", "manual"), (label, "manual"))
    either = pb.Answer(candidates=pb.Candidates(labels=CLASSES))
    assert cvat.read(both) == [Answered(either, file=file)]
    cannot_tell = pb.Answer(abstain=pb.Abstain())
    assert cvat.read(annotated(tmp_path, ("?", "manual"))) == [Answered(cannot_tell, file=file)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<annotations><image", "is no XML: "),
        ("<html/>", "is not of CVAT: its root is 'html'"),
        ("<annotations><image id='4'/></annotations>", "has an image without a name, id 4"),
    ],
)
def test_what_is_not_of_cvat(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "a.xml"
    file.write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        cvat.read(file)
    assert f"a.xml' {problem}" in caught.value.message
    assert "'CVAT for images 1.1'" in caught.value.message
