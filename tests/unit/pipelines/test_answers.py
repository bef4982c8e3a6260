import pyarrow as pa

from pipelines.answers import usable_answers
from poolscore.labels.answer import Abstain, Answer, Candidates, Label
from poolscore.store.label_events import EffectiveLabel

CLASSES = ("cat", "dog", "owl")
EMBEDDED = pa.array(["a", "b", "c", "d"])


def effective(answers: dict[str, Answer]) -> list[EffectiveLabel]:
    return [EffectiveLabel(item, answer, n) for n, (item, answer) in enumerate(answers.items())]


def test_plain_labels_need_no_mask() -> None:
    labels = effective({"b": Label("owl"), "a": Label("cat"), "z": Label("dog")})
    answers = usable_answers(labels, CLASSES, EMBEDDED)
    assert answers.ids == ["b", "a"]
    assert answers.targets_N.tolist() == [2, 0]
    assert answers.candidates_NC is None
    assert dict(answers.counts) == {"labels": 2, "not_in_snapshot_left_out": 1}


def test_candidates_are_used_and_counted() -> None:
    labels = effective(
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
    answers = usable_answers(effective({"a": Abstain()}), CLASSES, EMBEDDED)
    assert (answers.ids, len(answers.targets_N)) == ([], 0)
