from datetime import UTC, datetime

from poolscore.labels.answer import Answer, Candidates, Label
from poolscore.store.records import LabelEvent, Prediction
from services.pool_report.judged import calibration, judge

CLASSES = {0: ("cat", "dog"), 1: ("dog", "cat")}


def event(answer: Answer | None, predicted: int | None, version: int, p_clean: float) -> LabelEvent:
    made = None if predicted is None else Prediction(predicted, 0.5, 0.1, 0.6, p_clean)
    time = datetime(2030, 1, 1, tzinfo=UTC)
    return LabelEvent("p", 1, "i", answer, "ann", None, time, made, version)


def test_predictions_are_read_by_the_classes_of_their_version() -> None:
    found = judge(
        [
            event(Label("cat"), 0, 0, 0.9),
            event(Label("cat"), 0, 1, 0.1),
            event(Label("cat"), None, 0, 0.5),
            event(Candidates(("cat", "dog")), 0, 0, 0.5),
            event(None, 0, 0, 0.5),
        ],
        CLASSES,
    )
    assert found.right.tolist() == [True, False]
    assert found.auroc_p_clean == 1.0


def test_calibration_counts_each_fifth_that_has_any() -> None:
    values = [(0.0, False), (0.19, True), (0.2, True), (1.0, True)]
    found = judge(
        [event(Label("cat" if right else "dog"), 0, 0, value) for value, right in values], CLASSES
    )
    assert calibration(found) == [(0.0, 0.2, 2, 0.5), (0.2, 0.4, 1, 1.0), (0.8, 1.0, 1, 1.0)]
    assert calibration(judge([], CLASSES)) == []
