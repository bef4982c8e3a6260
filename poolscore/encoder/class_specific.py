"""Class-specific contexts through a causal text tower, cut behind the longest class's EOS.

Nothing is shared between classes here but SOS, so every class's text is computed whole; what stands
behind EOS cannot reach its row in a causal tower and is left out. Cost: P x C x (1 + M + the tokens
of the longest name) instead of P x C x 77.

Shapes: P prompts, C classes, B = P x C texts, M contexts, L positions, W token width, D embedding
width.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import normalize

from poolscore.encoder.class_tokens import Tokenizer, tokenize_classes
from poolscore.encoder.shared_prefix import project


class ClassSpecificPromptText:
    """A text tower for which `shares_prefix` holds, bound to class names."""

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, classes: Sequence[str], num_contexts: int
    ) -> None:
        """Tokenise and embed the classes' own tokens once."""
        self._tower: Any = getattr(model, "text", model)
        embedding_VW: torch.Tensor = self._tower.token_embedding.weight
        positions_LW: torch.Tensor = self._tower.positional_embedding
        tokens = tokenize_classes(tokenizer, classes, num_contexts, len(positions_LW))
        self._first, self._last = len(tokens.start), len(tokens.start) + num_contexts
        length = self._last + max(len(own) for own in tokens.own)
        ids_CL = tokens.ids(num_contexts)[:, :length].to(embedding_VW.device)
        eos_C = [self._last + len(own) - 1 for own in tokens.own]
        self._eos_C = torch.tensor(eos_C, device=embedding_VW.device)
        self._placeholders_CLW = embedding_VW[ids_CL]
        self._positions_LW = positions_LW[:length]
        self._mask_LL = self._tower.attn_mask[:length, :length]
        self.num_contexts = num_contexts
        self.num_classes = len(classes)

    @property
    def width(self) -> int:
        """W, the size of a token vector."""
        return self._placeholders_CLW.shape[2]

    def __call__(self, contexts_PCMW: torch.Tensor) -> torch.Tensor:
        """Features (P, C, D)."""
        prompts = len(contexts_PCMW)
        context_BMW = contexts_PCMW.flatten(0, 1)
        text_BLW = self._placeholders_CLW.repeat(prompts, 1, 1)
        x_BLW = torch.cat(
            [text_BLW[:, : self._first], context_BMW, text_BLW[:, self._last :]], dim=1
        )
        x_BLW = self._tower.transformer(x_BLW + self._positions_LW, attn_mask=self._mask_LL)
        eos_B = self._eos_C.repeat(prompts)
        x_BW = x_BLW[torch.arange(len(eos_B), device=eos_B.device), eos_B]
        features_BD = project(self._tower, x_BW)
        return normalize(features_BD, dim=-1).unflatten(0, (prompts, self.num_classes))
