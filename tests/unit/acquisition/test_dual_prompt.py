import numpy as np

from poolscore.acquisition.base import Choice, PoolView
from poolscore.acquisition.dual_prompt import DualPrompt
from poolscore.scoring.types import Scores


def view_of(predicted: list[int], p_clean: list[float], classes: int) -> PoolView:
    other = np.zeros(len(predicted), np.float32)
    scores = Scores(
        np.array(predicted, np.int32), other, other, other, np.array(p_clean, np.float32)
    )
    ids = np.array([f"i{row}" for row in range(len(predicted))])
    return PoolView(ids, scores, [f"c{k}" for k in range(classes)])


def query(view: PoolView, size: int) -> Choice:
    return DualPrompt().query(view, size, np.random.default_rng(0))


def test_quota_in_layers_then_remainder() -> None:
    # class 0: rows 0 .1, 1 .2, 2 .3, 3 .9;  class 1: rows 4 .5, 5 .4, 6 .8
    view = view_of([0, 0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.9, 0.5, 0.4, 0.8], classes=2)
    # B = 5: two of each class, layer by layer, then the least certain of the rest (row 2).
    assert query(view, 5).rows.tolist() == [0, 5, 1, 4, 2]


def test_a_short_class_leaves_its_places_to_the_remainder() -> None:
    view = view_of([0, 1, 1, 1, 1], [0.9, 0.5, 0.1, 0.2, 0.3], classes=2)
    # B = 4: two places a class, class 0 has one image; row 4 takes the free place.
    assert query(view, 4).rows.tolist() == [2, 0, 3, 4]


def test_fewer_places_than_classes_is_plain_uncertainty() -> None:
    view = view_of([0, 0, 0, 1, 2], [0.1, 0.2, 0.3, 0.8, 0.9], classes=3)
    assert query(view, 2).rows.tolist() == [0, 1]


def test_every_prefix_of_the_quota_is_class_balanced() -> None:
    rng = np.random.default_rng(1)
    predicted = rng.integers(0, 5, 500)
    view = view_of(predicted.tolist(), rng.random(500).tolist(), classes=5)
    rows = query(view, 100).rows
    for end in range(5, 101, 5):
        assert np.bincount(predicted[rows[:end]], minlength=5).tolist() == [end // 5] * 5


def test_reasons_say_class_place_and_certainty() -> None:
    view = view_of([0, 0, 1, 0, 0], [0.314, 0.5, 0.7, 0.9, 0.95], classes=2)
    choice = query(view, 5)
    assert list(choice.reasons) == [
        "least certain of the 4 images predicted 'c0': p_clean 0.31",
        "the only image predicted 'c1': p_clean 0.70",
        "2nd least certain of the 4 images predicted 'c0': p_clean 0.50",
        "among the least certain of all 5 images, predicted 'c0': p_clean 0.90",
        "among the least certain of all 5 images, predicted 'c0': p_clean 0.95",
    ]
    np.testing.assert_allclose(choice.utilities, [0.686, 0.3, 0.5, 0.1, 0.05], atol=1e-6)
