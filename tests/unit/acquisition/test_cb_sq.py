from dataclasses import replace

import numpy as np

from poolscore.acquisition.cb import ClassGuided
from poolscore.acquisition.cb_sq import SelectiveQuerying, thresholds
from tests.unit.acquisition.views import labeled_of, scores_of, synthetic, unit


def test_thresholds_are_means_of_the_labeled_maxima() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.9, 0.0], [0.2, 0.4, 0.4]])
    known = labeled_of(np.zeros((3, 2)), [0, 0, 2], p)
    # The label decides the class, whatever is predicted: (.7 + .9) / 2 and .4; class 1 has none.
    np.testing.assert_allclose(thresholds(known, 4), [0.8, np.inf, 0.4, np.inf], atol=1e-6)


def test_sure_predictions_are_kept_and_said_to_be() -> None:
    p = np.array([[0.95, 0.05], [0.6, 0.4], [0.01, 0.99], [0.8, 0.2]], np.float32)
    known = labeled_of(unit(np.ones((1, 8))), [0], np.array([[0.8, 0.2]]))
    view = replace(synthetic(4, 2), probabilities_NC=p, scores=scores_of(p), labeled=known)
    choice = SelectiveQuerying().query(view, 4, np.random.default_rng(0))
    assert choice.keep_prediction is not None
    # Class 0 from .8 on; class 1 has no label, so even .99 is asked.
    kept = dict(zip(choice.rows.tolist(), choice.keep_prediction.tolist(), strict=True))
    assert kept == {0: True, 1: False, 2: False, 3: True}
    reason = choice.reasons[choice.rows.tolist().index(0)]
    assert reason == (
        "kept as 'class 0' without a question: probability 0.95, and labeled images of it have "
        "0.80 on average"
    )


def test_without_labels_it_is_cb() -> None:
    view = synthetic(50, 4, labels=0)
    choice = SelectiveQuerying().query(view, 4, np.random.default_rng(2))
    expected = ClassGuided().query(view, 4, np.random.default_rng(2))
    assert choice.rows.tolist() == expected.rows.tolist()
    assert choice.keep_prediction is not None
    assert not choice.keep_prediction.any()


def test_the_clusters_are_four_a_query() -> None:
    view = synthetic(50, 4)
    choice = SelectiveQuerying().query(view, 3, np.random.default_rng(2))
    expected = ClassGuided(factor=4).query(view, 3, np.random.default_rng(2))
    assert choice.rows.tolist() == expected.rows.tolist()
