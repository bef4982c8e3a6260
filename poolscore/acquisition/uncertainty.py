"""Which numbers of a prediction a strategy's utility is made of, for explanations."""

from collections.abc import Callable

from poolscore.store.records import Prediction

_PARTS: dict[str, tuple[str, Callable[[Prediction], float]]] = {
    "1 - p_clean": ("dual_prompt", lambda p: 1.0 - p.p_clean),
    "1 - probability": ("least_confidence", lambda p: 1.0 - p.probability),
    "1 - margin": ("margin coverage", lambda p: 1.0 - p.margin),
    "entropy": ("entropy pcb_entropy c_peal", lambda p: p.entropy),
}


def uncertainty_parts(strategy: str, prediction: Prediction) -> dict[str, float]:
    """Numbers by name; empty where a strategy looks at distances, gradients or chance.

    `coverage` weights images by theirs, so its utility holds those of the images around as well.
    """
    return {
        name: value(prediction)
        for name, (strategies, value) in _PARTS.items()
        if strategy in strategies.split()
    }
