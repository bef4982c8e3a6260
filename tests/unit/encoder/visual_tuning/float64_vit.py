"""A vision transformer written down once more, in float64 and without any module of torch.nn.

Shapes: N images, P patches, L tokens (class, patches, prompts), W width, H heads, Z = W / H.
"""

from collections.abc import Sequence

import torch
from torch import nn

from tests.tiny_vit import HEADS, PATCH


def forward(
    tower: nn.Module, image_N3SS: torch.Tensor, prompts_nW: Sequence[torch.Tensor] = ()
) -> torch.Tensor:
    """Output (N, D) of open_clip's ViT with the class token as pool, before normalisation."""
    state = {name: tensor.double() for name, tensor in tower.state_dict().items()}
    # Patches in reading order, their pixels in the order of the convolution's weight.
    rows = image_N3SS.double().unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH)
    patches = rows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2).flatten(2)
    x = patches @ state["conv1.weight"].flatten(1).T
    first = state["class_embedding"].expand(len(x), 1, -1)
    x = torch.cat([first, x], dim=1) + state["positional_embedding"]
    x = _norm(x, state, "ln_pre")
    tokens = x.shape[1]
    layers = sum(name.endswith("in_proj_weight") for name in state)
    for layer in range(layers):
        if prompts_nW:
            # Appended to the first layer's input, put in the place of the last ones afterwards.
            x = torch.cat([x[:, :tokens], prompts_nW[layer].double().expand(len(x), -1, -1)], 1)
        x = _block(x, state, f"transformer.resblocks.{layer}.")
    return _norm(x[:, 0], state, "ln_post") @ state["proj"]


def _block(x: torch.Tensor, state: dict[str, torch.Tensor], at: str) -> torch.Tensor:
    qkv = _linear(_norm(x, state, f"{at}ln_1"), state, f"{at}attn.in_proj_")
    q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in qkv.chunk(3, -1))
    weight_NHLL = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(dim=-1)
    attended = (weight_NHLL @ v).transpose(1, 2).flatten(2)
    x = x + _linear(attended, state, f"{at}attn.out_proj.")
    hidden = _linear(_norm(x, state, f"{at}ln_2"), state, f"{at}mlp.c_fc.")
    gelu = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    return x + _linear(gelu, state, f"{at}mlp.c_proj.")


def _norm(x: torch.Tensor, state: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    spread = (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
    return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]


def _linear(x: torch.Tensor, state: dict[str, torch.Tensor], at: str) -> torch.Tensor:
    return x @ state[f"{at}weight"].T + state[f"{at}bias"]
