import torch
from torch import nn

from poolscore.encoder.visual_tuning.attach import attached, initial_tensors
from poolscore.encoder.visual_tuning.config import VptConfig
from tests.tiny_vit import LAYERS, PATCH, WIDTH
from tests.unit.encoder.visual_tuning import float64_vit

CONFIG = VptConfig(tokens=5)


def tensors(tower: nn.Module, config: VptConfig = CONFIG) -> dict[str, torch.Tensor]:
    return initial_tensors(tower, config, torch.Generator().manual_seed(2))


def test_the_reference_is_this_tower(tower: nn.Module, inputs: torch.Tensor) -> None:
    expected = float64_vit.forward(tower, inputs)
    torch.testing.assert_close(tower(inputs).double(), expected, atol=1e-5, rtol=1e-5)


def test_prompts_do_what_the_reference_does(tower: nn.Module, inputs: torch.Tensor) -> None:
    drawn = {name: 20 * tensor for name, tensor in tensors(tower).items()}
    prompts = [drawn[f"blocks.{layer}.prompts"] for layer in range(LAYERS)]
    expected = float64_vit.forward(tower, inputs, prompts)
    plain = tower(inputs)
    for training in (False, True):
        with attached(tower, CONFIG, drawn, training=training):
            found = tower(inputs)
        torch.testing.assert_close(found.detach().double(), expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, plain, atol=1e-2)
    assert torch.equal(tower(inputs), plain)


def test_every_layer_has_prompts_of_its_own_within_the_bound(tower: nn.Module) -> None:
    drawn = tensors(tower, VptConfig(tokens=200))
    assert len(drawn) == LAYERS
    bound = (6 / (3 * PATCH * PATCH + WIDTH)) ** 0.5
    for tensor in drawn.values():
        assert tensor.shape == (200, WIDTH)
        assert 0.99 * bound < float(tensor.abs().max()) <= bound
        assert abs(float(tensor.std()) - bound / 3**0.5) < 0.02 * bound
    one, two, *_ = drawn.values()
    assert not torch.equal(one, two)


def test_the_gradient_reaches_every_prompt_and_nothing_else(
    tower: nn.Module, inputs: torch.Tensor
) -> None:
    with attached(tower, CONFIG, tensors(tower), training=True) as parameters:
        tower(inputs).square().sum().backward()
        wanting = {name for name, each in tower.named_parameters() if each.requires_grad}
    assert len(wanting) == LAYERS
    assert all(each.grad is not None and each.grad.any() for each in parameters.values())
    assert all(each.grad is None for each in tower.parameters())
    assert not any(module.training for module in tower.modules())
