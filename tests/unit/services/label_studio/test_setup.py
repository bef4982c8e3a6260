from typing import Any

from services.handoff.label_studio import Interface
from services.label_studio.setup import interface_of


def control(kind: str = "Choices", shows: str = "Image", *labels: str) -> dict[str, Any]:
    return {
        "type": kind,
        "to_name": ["photo"],
        "inputs": [{"type": shows, "value": "url"}],
        "labels": list(labels),
    }


def test_choices_of_an_image_with_every_class_will_do() -> None:
    parsed = {"kind": control("Choices", "Image", "dog", "cat", "owl")}
    assert interface_of(parsed, ["cat", "dog"]) == Interface("kind", "photo", "url")


def test_anything_else_will_not() -> None:
    for parsed in (
        {},
        {"kind": control("Choices", "Image", "cat")},
        {"kind": control("Choices", "Text", "cat", "dog")},
        {"kind": control("RectangleLabels", "Image", "cat", "dog")},
    ):
        assert interface_of(parsed, ["cat", "dog"]) is None
