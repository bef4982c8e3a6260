import math

import numpy as np
import pytest
import torch

from poolscore.prompts.averaging import WeightAverage, beta_weight, gaussian_weight


def test_gaussian_weights_are_those_of_twenty_epochs() -> None:
    weights = [gaussian_weight(epoch, 20) for epoch in (14, 15, 17)]
    assert weights == pytest.approx([math.exp(-0.5), 1.0, math.exp(-2)])


def test_beta_weights_by_hand() -> None:
    # Density of Beta(1/2, 1/2) at 1/2 is 2 / pi, at 1/6 and 5/6 it is 1 / (pi sqrt(5/36)).
    weights = [beta_weight(step, 2) for step in range(3)]
    side = 6 / (math.pi * math.sqrt(5))
    assert weights == pytest.approx([side, 2 / math.pi, side])


def test_the_mean_of_a_course() -> None:
    tensor = torch.zeros(2, requires_grad=True)
    average = WeightAverage([tensor])
    for value, weight in ((1.0, 3.0), (5.0, 1.0)):
        with torch.no_grad():
            tensor.fill_(value)
        average.add(weight)
    average.apply()
    np.testing.assert_allclose(tensor.detach().numpy(), [2.0, 2.0])
    assert tensor.requires_grad
