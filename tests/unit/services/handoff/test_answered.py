import pytest

from poolscore.v1 import label_service_pb2 as pb
from services.handoff.answered import answer_of, parse_answer

CAT = pb.Answer(label="cat")
EITHER = pb.Answer(candidates=pb.Candidates(labels=["cat", "dog"]))
CANNOT_TELL = pb.Answer(abstain=pb.Abstain())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cat"], CAT),
        (["cat", "cat"], CAT),
        (["cat", "dog", "cat"], EITHER),
        (["a|b"], pb.Answer(label="a|b")),
        ([], CANNOT_TELL),
        (["?"], CANNOT_TELL),
    ],
)
def test_the_classes_that_a_tool_has(names: list[str], expected: pb.Answer) -> None:
    assert answer_of(names) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("cat", CAT), ("cat | dog", EITHER), ("?", CANNOT_TELL)]
)
def test_what_people_write(text: str, expected: pb.Answer) -> None:
    assert parse_answer(text) == expected
