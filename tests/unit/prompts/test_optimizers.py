import pytest
import torch

from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.optimizers import cosine_schedule, make_optimizer


def test_sgd_takes_the_papers_settings() -> None:
    config = DualPromptConfig(optimizer="sgd", learning_rate=0.03, adapter_learning_rate=0.5)
    optimizer = make_optimizer(torch.zeros(1, requires_grad=True), [], 5, config)
    assert isinstance(optimizer, torch.optim.SGD)
    assert len(optimizer.param_groups) == 1
    group = optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.03, 0.9, 5e-4)


def test_the_adapter_has_its_own_rate() -> None:
    config = DualPromptConfig(adapter_learning_rate=0.5)
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(3)]
    optimizer = make_optimizer(parameters[0], parameters[1:], 5, config)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.param_groups[1]["lr"] == 0.5
    assert optimizer.param_groups[0]["lr"] == config.learning_rate


@pytest.mark.parametrize(
    ("labels", "decay"), [(300, 1.0), (10, 30.0), (1, 50.0)], ids=["many", "few", "capped"]
)
def test_the_adapter_is_held_harder_by_fewer_labels(labels: int, decay: float) -> None:
    config = DualPromptConfig(adapter_shrinkage=300.0, adapter_learning_rate=0.01)
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(3)]
    optimizer = make_optimizer(parameters[0], parameters[1:], labels, config)
    assert optimizer.param_groups[1]["weight_decay"] == pytest.approx(decay)


def test_cosine_falls_from_full_through_half_to_zero() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    schedule = cosine_schedule(optimizer, 4)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(4):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([2.0, 1 + 0.5**0.5, 1.0, 1 - 0.5**0.5, 0.0])
