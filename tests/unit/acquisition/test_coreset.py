from dataclasses import replace

import numpy as np

from poolscore.acquisition.coreset import CoreSet
from tests.unit.acquisition.views import labeled_of, synthetic, unit

ANGLES = np.array([10.0, 80.0, 170.0, 200.0])


def on_circle(degrees: np.ndarray) -> np.ndarray:
    radians = np.radians(degrees)
    return unit(np.stack([np.cos(radians), np.sin(radians)], axis=1))


def test_from_the_labeled_image_on() -> None:
    view = replace(
        synthetic(4, 2),
        ids=np.array(["a", "b", "c", "d"]),
        features_ND=on_circle(ANGLES),
        labeled=labeled_of(on_circle(np.array([0.0])), [1]),
    )
    choice = CoreSet().query(view, 3, np.random.default_rng(0))
    # 170 degrees is farthest from 0 (2 sin 85), then 80 (80 from 0), then 200 (30 from 170).
    assert choice.rows.tolist() == [2, 1, 3]
    expected = 2.0 * np.sin(np.radians([85.0, 40.0, 15.0]))
    np.testing.assert_allclose(choice.utilities, expected, atol=1e-5)
    assert choice.reasons[0] == (
        "farthest from the 1 labeled and already chosen images: distance 1.99"
    )


def test_without_labels_it_starts_in_the_middle() -> None:
    view = replace(synthetic(4, 2, labels=0), features_ND=on_circle(ANGLES))
    choice = CoreSet().query(view, 2, np.random.default_rng(0))
    # The mean of the four points lies at 128 degrees: 42 from 170, 48 from 80.
    assert choice.rows[0] == 2
    assert "middle of the pool" in choice.reasons[0]
