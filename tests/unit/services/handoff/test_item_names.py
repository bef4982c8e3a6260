from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.handoff.answered import Answered
from services.handoff.item_names import with_items
from tests.leased_batch import a_batch

CAT = pb.Answer(label="cat")
NAMES = ("a/1.jpg", "a/2.jpg", "b/1.jpg")


def found(*files: str) -> list[int]:
    answers = [Answered(CAT, file=file) for file in files]
    return [int(item, 16) for item in with_items(Path("x.xml"), answers, a_batch(NAMES))]


def test_names_as_exported_longer_and_shorter() -> None:
    assert found("a/1.jpg", "b/1.jpg") == [0, 2]
    assert found("mounted/here/b/1.jpg", "2.jpg") == [2, 1]


def test_an_id_needs_no_name() -> None:
    assert with_items(Path("x"), [Answered(CAT, item="anything")], a_batch()) == ["anything"]


@pytest.mark.parametrize("file", ["1.jpg", "c/1.jpg", "x2.jpg"])
def test_a_name_that_fits_none_or_several(file: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        found("2.jpg", file, "gone.jpg")
    assert f"'x.xml' answers '{file}' and 1 more, which fits no image of" in caught.value.message
