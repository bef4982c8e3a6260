"""Learned contexts through a causal text tower, computing what all classes share only once.

In a causal tower a position sees only what comes before it. The context sits right behind SOS and
is the same for every class, so those positions are computed once a prompt and every class's own
tokens attend to their keys and values; positions behind EOS never reach the EOS row and are not
computed at all. Outputs and gradients equal the full pass; the tokens of a step fall from
P x C x 77 to P x (K + T).

Shapes: P prompts, C classes, M contexts, K shared positions (SOS and contexts), T own tokens of
all classes together, R = K + T rows, W token width, D embedding width.
"""

from collections.abc import Sequence
from typing import Any

import torch
from open_clip import CLIP
from open_clip.transformer import ResidualAttentionBlock, TextTransformer
from torch import nn
from torch.nn.functional import linear, normalize

from poolscore.encoder.class_tokens import Tokenizer, tokenize_classes
from poolscore.encoder.own_tokens import OwnTokens


def shares_prefix(model: nn.Module) -> bool:
    """Whether `model` has a causal text tower of open_clip's standard blocks, pooled at EOS."""
    text: Any = getattr(model, "text", model)
    if isinstance(text, CLIP):
        pool = text.text_pool_type
    elif isinstance(text, TextTransformer) and text.cls_emb is None and not text.use_pad_mask:
        pool = text.pool_type
    else:
        return False
    standard = all(type(block) is ResidualAttentionBlock for block in text.transformer.resblocks)
    return standard and text.attn_mask is not None and pool in ("argmax", "eos")


class SharedPrefixPromptText:
    """A text tower for which `shares_prefix` holds, bound to class names."""

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, classes: Sequence[str], num_contexts: int
    ) -> None:
        """Tokenise and embed the classes' own tokens once."""
        self._tower: Any = getattr(model, "text", model)
        embedding_VW: torch.Tensor = self._tower.token_embedding.weight
        positions_LW: torch.Tensor = self._tower.positional_embedding
        tokens = tokenize_classes(tokenizer, classes, num_contexts, len(positions_LW))
        shared = len(tokens.start) + num_contexts
        self._own = OwnTokens(tokens.own, shared, embedding_VW.device)
        self._start_SW = embedding_VW[tokens.start] + positions_LW[: len(tokens.start)]
        self._context_positions_MW = positions_LW[len(tokens.start) : shared]
        self._own_TW = embedding_VW[self._own.ids] + positions_LW[self._own.positions]
        self.num_contexts = num_contexts
        self.num_classes = len(classes)

    @property
    def width(self) -> int:
        """W, the size of a token vector."""
        return self._own_TW.shape[1]

    @property
    def num_own_tokens(self) -> int:
        """T: what a step computes besides the K shared positions."""
        return self._own_TW.shape[0]

    def __call__(self, contexts_PMW: torch.Tensor) -> torch.Tensor:
        """Features (P, C, D)."""
        if contexts_PMW.dim() != 3:
            raise ValueError(
                "Class-specific contexts share no prefix: use ClassSpecificPromptText."
            )
        prompts = len(contexts_PMW)
        start_PSW = self._start_SW.expand(prompts, -1, -1)
        own_PTW = self._own_TW.expand(prompts, -1, -1)
        x_PRW = torch.cat([start_PSW, contexts_PMW + self._context_positions_MW, own_PTW], dim=1)
        *blocks, last = self._tower.transformer.resblocks
        for block in blocks:
            x_PRW = _block(block, x_PRW, self._own)
        x_PCW = _eos_block(last, x_PRW, self._own)[:, self._own.class_order]
        return normalize(project(self._tower, x_PCW), dim=-1)


def _block(block: Any, x_PRW: torch.Tensor, own: OwnTokens) -> torch.Tensor:
    """One residual block on every row."""
    attention = block.attn
    qkv_PR3W = linear(block.ln_1(x_PRW), attention.in_proj_weight, attention.in_proj_bias)
    q_PRW, k_PRW, v_PRW = qkv_PR3W.chunk(3, dim=-1)
    attended_PRW = own.attend(q_PRW, k_PRW, v_PRW, attention.num_heads)
    x_PRW = x_PRW + block.ls_1(attention.out_proj(attended_PRW))
    return x_PRW + block.ls_2(block.mlp(block.ln_2(x_PRW)))


def _eos_block(block: Any, x_PRW: torch.Tensor, own: OwnTokens) -> torch.Tensor:
    """The last block: keys and values of every row, all the rest for EOS rows alone, (P, C, W)."""
    attention = block.attn
    width = x_PRW.shape[-1]
    normed_PRW = block.ln_1(x_PRW)
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    k_PRW, v_PRW = linear(normed_PRW, weight[width:], bias[width:]).chunk(2, dim=-1)
    q_PCW = linear(normed_PRW[:, own.eos_rows], weight[:width], bias[:width])
    attended_PCW = own.attend_eos(q_PCW, k_PRW, v_PRW, attention.num_heads)
    x_PCW = x_PRW[:, own.eos_rows] + block.ls_1(attention.out_proj(attended_PCW))
    return x_PCW + block.ls_2(block.mlp(block.ln_2(x_PCW)))


def project(tower: Any, x_PCW: torch.Tensor) -> torch.Tensor:
    """Final norm and the map into the space of image features."""
    normed_PCW = tower.ln_final(x_PCW)
    projection = tower.text_projection
    if projection is None:
        return normed_PCW
    return projection(normed_PCW) if isinstance(projection, nn.Linear) else normed_PCW @ projection
