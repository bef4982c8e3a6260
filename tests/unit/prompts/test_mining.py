import numpy as np

from poolscore.prompts.mining import mine_pseudo_labels

IDS = np.array([f"i{row}" for row in range(8)])
PREDICTED = np.array([0, 0, 0, 2, 2, 2, 2, 0], np.int32)
CONFIDENCE = np.array([0.9, 0.5, 0.7, 0.2, 0.2, 0.8, 0.1, 0.99], np.float32)


def test_most_certain_of_each_class_without_excluded_rows() -> None:
    exclude = np.zeros(8, np.bool_)
    exclude[7] = True
    rows, targets = mine_pseudo_labels(PREDICTED, CONFIDENCE, IDS, exclude, per_class=2)
    # Class 1 is predicted nowhere; rows 3 and 4 tie and the id decides.
    assert rows.tolist() == [0, 2, 5, 3]
    assert targets.tolist() == [0, 0, 2, 2]


def test_classes_with_fewer_images_give_what_they_have() -> None:
    rows, _ = mine_pseudo_labels(PREDICTED, CONFIDENCE, IDS, np.zeros(8, np.bool_), per_class=100)
    assert sorted(rows.tolist()) == list(range(8))


def test_nothing_to_mine() -> None:
    for exclude, per_class in ((np.ones(8, np.bool_), 3), (np.zeros(8, np.bool_), 0)):
        rows, targets = mine_pseudo_labels(PREDICTED, CONFIDENCE, IDS, exclude, per_class)
        assert len(rows) == len(targets) == 0


def test_what_is_less_certain_than_asked_for_is_never_mined() -> None:
    none = np.zeros(8, np.bool_)
    rows, _ = mine_pseudo_labels(PREDICTED, CONFIDENCE, IDS, none, per_class=4, at_least=0.8)
    # As a float32 0.8 is a little more than 0.8.
    assert rows.tolist() == [7, 0, 5]
