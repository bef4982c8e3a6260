import pytest

from poolscore.labels.answer import (
    Abstain,
    Answer,
    Candidates,
    Label,
    LabelResult,
    answer_text,
    class_indices,
)


def test_indices_of_the_classes_an_answer_allows() -> None:
    classes = ["cat", "dog", "bird"]
    assert class_indices(Label("dog"), classes) == (1,)
    assert class_indices(Candidates(("bird", "cat")), classes) == (2, 0)
    assert class_indices(Abstain("dark"), classes) == ()
    with pytest.raises(ValueError, match="fish"):
        class_indices(Label("fish"), classes)


def test_a_result_is_accepted_when_it_names_an_event() -> None:
    assert LabelResult(1).accepted
    assert not LabelResult(None, "UNKNOWN_CLASS", "no").accepted


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Label("guinea pig"), "guinea pig"),
        (Candidates(("cat", "dog")), "cat|dog"),
        (Abstain(), "?"),
        (Abstain("too dark"), "? too dark"),
    ],
)
def test_answers_as_people_write_them(answer: Answer, text: str) -> None:
    assert answer_text(answer) == text
