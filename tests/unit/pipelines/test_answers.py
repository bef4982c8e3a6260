import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.answers import usable_answers
from poolscore.labels.answer import Abstain, Answer, Candidates, Label
from poolscore.store.annotator_answers import AnnotatorAnswer

CLASSES = ("cat", "dog", "owl")
EMBEDDED = pa.array(["a", "b", "c", "d"])


def by_ann(answers: dict[str, Answer]) -> list[AnnotatorAnswer]:
    return said(*((item, "ann", answer) for item, answer in answers.items()))


def said(*answers: tuple[str, str, Answer]) -> list[AnnotatorAnswer]:
    return [AnnotatorAnswer(*answer, number) for number, answer in enumerate(answers, start=1)]


def test_plain_labels_need_no_mask() -> None:
    labels = by_ann({"b": Label("owl"), "a": Label("cat"), "z": Label("dog")})
    answers = usable_answers(labels, CLASSES, EMBEDDED)
    assert answers.ids == ["b", "a"]
    assert answers.targets_N.tolist() == [2, 0]
    assert answers.candidates_NC is None
    assert dict(answers.counts) == {"labels": 2, "not_in_snapshot_left_out": 1}


def test_candidates_are_used_and_counted() -> None:
    labels = by_ann(
        {
            "a": Candidates(("owl", "cat")),
            "b": Label("dog"),
            "c": Abstain(),
            "d": Candidates(("owl", "dog", "cat")),
        }
    )
    answers = usable_answers(labels, CLASSES, EMBEDDED)
    assert answers.ids == ["a", "b"]
    assert answers.candidates_NC is not None
    assert answers.candidates_NC.tolist() == [[True, False, True], [False, True, False]]
    assert answers.counts["candidates"] == answers.counts["labels"] == 1
    assert answers.counts["abstains_left_out"] == 1
    assert answers.counts["candidates_of_all_left_out"] == 1


def test_nothing_to_use() -> None:
    answers = usable_answers(by_ann({"a": Abstain()}), CLASSES, EMBEDDED)
    assert (answers.ids, len(answers.targets_N)) == ([], 0)


def test_several_annotators_of_an_image_are_heard_together() -> None:
    answers = usable_answers(
        said(
            ("a", "ann", Label("owl")),
            ("b", "ann", Label("cat")),
            ("b", "bob", Label("dog")),
            ("a", "bob", Label("owl")),
            ("c", "bob", Candidates(("dog", "owl"))),
        ),
        CLASSES,
        EMBEDDED,
    )
    assert answers.ids == ["b", "a", "c"]
    assert answers.candidates_NC is not None
    assert answers.candidates_NC.tolist() == [
        [True, True, False],
        [False, False, True],
        [False, True, True],
    ]
    assert dict(answers.counts) == {
        "labels": 1,
        "candidates": 2,
        "several_votes": 2,
        "conflicts": 1,
        "not_in_snapshot_left_out": 0,
    }
    # By symmetry both are as good; one agreement and one conflict in two answers.
    assert answers.annotator_accuracy["ann"] == pytest.approx(answers.annotator_accuracy["bob"])
    assert (4 + 1 + 0) / 7 < answers.annotator_accuracy["ann"] < (4 + 1 + 1) / 7


def test_two_against_one_is_a_label() -> None:
    voices = (("ann", "owl"), ("bob", "cat"), ("eve", "owl"))
    answers = usable_answers(
        said(*(("a", who, Label(label)) for who, label in voices)), CLASSES, EMBEDDED
    )
    assert (answers.ids, answers.targets_N.tolist(), answers.candidates_NC) == (["a"], [2], None)
    assert answers.annotator_accuracy["bob"] < answers.annotator_accuracy["eve"]


def test_who_cannot_tell_has_no_vote() -> None:
    answers = usable_answers(
        said(
            ("a", "ann", Label("cat")),
            ("b", "ann", Abstain()),
            ("a", "bob", Abstain()),
            ("b", "bob", Candidates(CLASSES)),
            ("c", "bob", Candidates(CLASSES)),
            ("c", "ann", Abstain()),
        ),
        CLASSES,
        EMBEDDED,
    )
    assert (answers.ids, answers.targets_N.tolist()) == (["a"], [0])
    # Images without a vote count by their newest answer.
    assert dict(answers.counts) == {
        "labels": 1,
        "candidates_of_all_left_out": 1,
        "abstains_left_out": 1,
        "not_in_snapshot_left_out": 0,
    }
    assert answers.annotator_accuracy == {}


def test_what_stays_undecided_is_left_out() -> None:
    at_odds = said(("a", "ann", Label("cat")), ("a", "bob", Label("dog")))
    answers = usable_answers(at_odds, CLASSES[:2], EMBEDDED)
    assert (answers.ids, answers.candidates_NC) == ([], None)
    assert answers.counts["undecided_left_out"] == answers.counts["conflicts"] == 1


def test_votes_outside_of_the_snapshot_say_nothing() -> None:
    elsewhere = said(("z", "ann", Label("cat")), ("z", "bob", Label("dog")))
    answers = usable_answers(elsewhere, CLASSES, EMBEDDED)
    assert dict(answers.counts) == {"not_in_snapshot_left_out": 1}
    assert answers.annotator_accuracy == {}


names = st.lists(st.sampled_from(CLASSES), min_size=1, unique=True)
single = st.dictionaries(
    st.sampled_from(EMBEDDED.to_pylist()),
    st.tuples(st.sampled_from(["ann", "bob"]), names),
)


@given(single)
def test_a_single_vote_is_used_as_it_is(given_by: dict[str, tuple[str, list[str]]]) -> None:
    answers = usable_answers(
        said(
            *(
                (item, who, Label(labels[0]) if len(labels) == 1 else Candidates(tuple(labels)))
                for item, (who, labels) in given_by.items()
            )
        ),
        CLASSES,
        EMBEDDED,
    )
    used = {item: labels for item, (_, labels) in given_by.items() if len(labels) < len(CLASSES)}
    assert answers.ids == list(used)
    assert answers.targets_N.tolist() == [CLASSES.index(labels[0]) for labels in used.values()]
    mask = np.eye(3, dtype=np.bool_)[answers.targets_N]
    if answers.candidates_NC is not None:
        mask = answers.candidates_NC
    assert mask.tolist() == [[name in labels for name in CLASSES] for labels in used.values()]
