import copy

import pytest
import torch
from torch import nn

from poolscore.encoder.visual_tuning.attach import apply_tensors, attached, initial_tensors
from poolscore.encoder.visual_tuning.config import LoraConfig, Projection
from tests.tiny_vit import LAYERS, WIDTH

ROWS = {"q": slice(0, WIDTH), "k": slice(WIDTH, 2 * WIDTH), "v": slice(2 * WIDTH, 3 * WIDTH)}


def random_tensors(tower: nn.Module, config: LoraConfig) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    start = initial_tensors(tower, config, generator)
    return {
        name: 0.3 * torch.randn(each.shape, generator=generator) for name, each in start.items()
    }


def merged_by_hand(
    tower: nn.Module, config: LoraConfig, tensors: dict[str, torch.Tensor]
) -> nn.Module:
    merged = copy.deepcopy(tower)
    state = merged.state_dict()
    for layer in range(LAYERS):
        weight = state[f"transformer.resblocks.{layer}.attn.in_proj_weight"]
        for name in config.projections:
            up, down = tensors[f"blocks.{layer}.{name}_up"], tensors[f"blocks.{layer}.{name}_down"]
            weight[ROWS[name]] += config.alpha / config.rank * up @ down
    merged.load_state_dict(state)
    return merged


@pytest.mark.parametrize("projections", [("q", "v"), ("q", "k", "v"), ("k",)])
def test_it_equals_a_tower_whose_weights_were_merged_by_hand(
    tower: nn.Module, inputs: torch.Tensor, projections: tuple[Projection, ...]
) -> None:
    config = LoraConfig(projections=projections, rank=3, alpha=2.0, dropout=0.0)
    tensors = random_tensors(tower, config)
    expected, plain = merged_by_hand(tower, config, tensors)(inputs), tower(inputs)
    assert not torch.allclose(expected, plain, atol=1e-2)
    for training in (False, True):
        with attached(tower, config, tensors, training=training):
            torch.testing.assert_close(tower(inputs).detach(), expected, atol=1e-5, rtol=1e-5)
    applied = copy.deepcopy(tower)
    apply_tensors(applied, config, tensors)
    torch.testing.assert_close(applied(inputs), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(tower(inputs), plain)


def test_the_start_leaves_outputs_unchanged(tower: nn.Module, inputs: torch.Tensor) -> None:
    config = LoraConfig()
    start = initial_tensors(tower, config, torch.Generator().manual_seed(0))
    assert start["blocks.0.q_down"].shape == (4, WIDTH)
    assert start["blocks.0.q_down"].any()
    plain = tower(inputs)
    with attached(tower, config, start, training=True):
        torch.testing.assert_close(tower(inputs).detach(), plain, atol=1e-6, rtol=1e-6)


def test_dropout_acts_in_training_alone(tower: nn.Module, inputs: torch.Tensor) -> None:
    config = LoraConfig(dropout=0.5)
    tensors = random_tensors(tower, config)
    with attached(tower, config, tensors, training=True):
        assert not torch.equal(tower(inputs), tower(inputs))
    with attached(tower, config, tensors):
        assert torch.equal(tower(inputs), tower(inputs))


def test_the_gradient_reaches_every_factor_and_nothing_else(
    tower: nn.Module, inputs: torch.Tensor
) -> None:
    config = LoraConfig(projections=("q", "v"))
    with attached(tower, config, random_tensors(tower, config), training=True) as parameters:
        tower(inputs).square().sum().backward()
    assert len(parameters) == LAYERS * 2 * 2
    assert all(each.grad is not None and each.grad.any() for each in parameters.values())
    assert all(each.grad is None for each in tower.parameters())
    assert all(isinstance(each, nn.MultiheadAttention) for each in attentions(tower))
    assert not any(module.training for module in tower.modules())


def attentions(tower: nn.Module) -> list[nn.Module]:
    blocks = tower.get_submodule("transformer.resblocks").children()
    return [block.get_submodule("attn") for block in blocks]
