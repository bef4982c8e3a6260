from dataclasses import replace

import numpy as np

from poolscore.acquisition.pcoreset import PCoreSet
from tests.unit.acquisition.views import labeled_of, scores_of, synthetic


def test_the_most_different_prediction_first() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.1, 0.1, 0.8], [0.2, 0.8, 0.0]], np.float32)
    known = labeled_of(np.zeros((1, 8)), [0], np.array([[1.0, 0.0, 0.0]]))
    view = replace(synthetic(4, 3), probabilities_NC=p, scores=scores_of(p), labeled=known)
    choice = PCoreSet().query(view, 3, np.random.default_rng(0))
    # To the start: sqrt(.02), sqrt(.5), sqrt(.81 + .01 + .64), sqrt(.64 + .64). Then row 3, then 1
    # at sqrt(.09 + .09) from row 3.
    assert choice.rows.tolist() == [2, 3, 1]
    np.testing.assert_allclose(choice.utilities, np.sqrt([1.46, 1.14, 0.18]), atol=1e-5)
    assert choice.reasons[0].startswith("its prediction, 'class 2' with 0.80, is unlike")
