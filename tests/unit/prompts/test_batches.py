from itertools import islice

import numpy as np
import pytest
import torch

from poolscore.prompts.batches import draw_batches, step_count
from poolscore.prompts.config import DualPromptConfig

CONFIG = DualPromptConfig(
    labelled_batch=4, pseudo_batch=3, pseudo_weight=0.5, epochs=10, min_steps=12, max_steps=40
)


def flags(labelled: int, pseudo: int) -> np.ndarray:
    return np.arange(labelled + pseudo) >= labelled


@pytest.mark.parametrize(
    ("labelled", "pseudo", "steps"),
    [(4, 0, 12), (8, 0, 20), (9, 100, 30), (100, 0, 40), (0, 6, 20)],
)
def test_steps_are_passes_over_the_labels_within_limits(
    labelled: int, pseudo: int, steps: int
) -> None:
    assert step_count(flags(labelled, pseudo), CONFIG) == steps


def test_a_pass_sees_every_image_once() -> None:
    stream = draw_batches(flags(10, 0), CONFIG, torch.Generator().manual_seed(0))
    batches = list(islice(stream, 3))
    assert [len(batch.rows_n) for batch in batches] == [4, 3, 3]
    assert sorted(torch.cat([batch.rows_n for batch in batches]).tolist()) == list(range(10))


def test_labels_and_pseudo_labels_share_the_weight() -> None:
    batch = next(draw_batches(flags(10, 9), CONFIG, torch.Generator().manual_seed(0)))
    assert (batch.rows_n[:4] < 10).all()
    assert (batch.rows_n[4:] >= 10).all()
    assert batch.weights_n[:4].sum().item() == pytest.approx(2 / 3)
    assert batch.weights_n[4:].sum().item() == pytest.approx(1 / 3)


def test_the_generator_decides_the_order() -> None:
    draws = [
        torch.cat(
            [
                batch.rows_n
                for batch in islice(
                    draw_batches(flags(30, 5), CONFIG, torch.Generator().manual_seed(seed)), 8
                )
            ]
        ).tolist()
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
