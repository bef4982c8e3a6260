import numpy as np
import pytest

from poolscore.prompts.train import TrainingSet

MINED_KD = np.array([[3.0, 3.0], [4.0, 4.0]])
CLASSES_K = np.array([2, 0])


def answered(candidates_NC: np.ndarray | None) -> TrainingSet:
    features_ND = np.array([[1.0, 1.0], [2.0, 2.0]])
    return TrainingSet(features_ND, np.array([1, 2]), np.zeros(2, np.bool_), candidates_NC)


@pytest.mark.parametrize("plain", [True, False])
def test_pseudo_labels_come_behind_the_answers(plain: bool) -> None:
    candidates_NC = None if plain else np.array([[True, True, False], [False, False, True]])
    both = answered(candidates_NC).with_pseudo_labels(MINED_KD, CLASSES_K)
    assert both.features_ND[:, 0].tolist() == [1, 2, 3, 4]
    assert both.targets_N.tolist() == [1, 2, 2, 0]
    assert both.pseudo_N.tolist() == [False, False, True, True]
    assert (both.candidates_NC is None) == plain
    if both.candidates_NC is not None:
        assert both.candidates_NC[:2].tolist() == [[True, True, False], [False, False, True]]
        assert both.candidates_NC[2:].tolist() == [[False, False, True], [True, False, False]]
