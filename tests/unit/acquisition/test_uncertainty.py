import pytest

from poolscore.acquisition.registry import strategy_names
from poolscore.acquisition.uncertainty import uncertainty_parts
from poolscore.store.records import Prediction

SEEN = Prediction(0, 0.75, 0.5, 1.25, 0.25)


@pytest.mark.parametrize(
    ("strategy", "parts"),
    [
        ("dual_prompt", {"1 - p_clean": 0.75}),
        ("least_confidence", {"1 - probability": 0.25}),
        ("margin", {"1 - margin": 0.5}),
        ("coverage", {"1 - margin": 0.5}),
        ("entropy", {"entropy": 1.25}),
        ("pcb_entropy", {"entropy": 1.25}),
        ("coreset", {}),
    ],
)
def test_parts(strategy: str, parts: dict[str, float]) -> None:
    assert strategy in strategy_names()
    assert uncertainty_parts(strategy, SEEN) == parts
