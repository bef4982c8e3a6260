"""A batch as "CVAT for images 1.1": a tag of a whole image is a class.

CVAT says where each annotation is from. Predictions are written as `auto`, and stay so until
somebody changes them.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from poolscore.v1.query_service_pb2 import Batch
from services.commands.file_names import file_names
from services.commands.options import last_part
from services.handoff.answered import Answered, answer_of
from services.handoff.files import read_text, refuse

_ADVICE = "export the task's annotations as 'CVAT for images 1.1' and give the XML of that archive"
_PREDICTED = ("auto", "file")
"""What was loaded into CVAT, not said by a person."""


def write(batch: Batch, classes: Sequence[str]) -> str:
    """The items of a batch as images in the order of the ranking, tagged with what is predicted."""
    root = ElementTree.Element("annotations")
    _add(root, "version", "1.1")
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    _add(task, "name", f"poolscore batch {last_part(batch.name)}")
    _add(task, "size", str(len(batch.items)))
    labels = ElementTree.SubElement(task, "labels")
    for name in classes:
        label = ElementTree.SubElement(labels, "label")
        _add(label, "name", name)
        _add(label, "type", "tag")
    files = file_names([item.uri for item in batch.items])
    for number, (item, file) in enumerate(zip(batch.items, files, strict=True)):
        image = ElementTree.SubElement(root, "image", {"id": str(number), "name": file})
        predicted = item.prediction.label
        if predicted in classes:
            ElementTree.SubElement(image, "tag", {"label": predicted, "source": "auto"})
    ElementTree.indent(root)
    # Not "unicode": that declares the encoding of the locale.
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).decode()


def read(path: Path, *, reviewed: bool = False) -> list[Answered]:
    """Answers by image: its tags.

    Tags that a person has neither set nor changed count only when somebody has `reviewed` every
    image. Raises InvalidInputError INVALID_ANSWERS_FILE.
    """
    try:
        root = ElementTree.fromstring(read_text(path, _ADVICE))
    except ElementTree.ParseError as error:
        refuse(path, f"is no XML: {error}", _ADVICE)
    if root.tag != "annotations":
        refuse(path, f"is not of CVAT: its root is '{root.tag}'", _ADVICE)
    found: list[Answered] = []
    for image in root.iter("image"):
        name = image.get("name")
        if not name:
            refuse(path, f"has an image without a name, id {image.get('id')}", _ADVICE)
        tags = image.findall("tag")
        if not reviewed:
            tags = [tag for tag in tags if tag.get("source") not in _PREDICTED]
        if tags:
            found.append(Answered(answer_of(tag.get("label", "") for tag in tags), file=name))
    return found


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
