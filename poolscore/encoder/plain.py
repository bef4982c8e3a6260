"""Learned contexts through any text tower: the tower's own full pass over every position."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from poolscore.encoder.class_tokens import Tokenizer, tokenize_classes
from poolscore.errors import InvalidInputError


class PlainPromptText:
    """Runs `model.encode_text` on placeholder texts and swaps the contexts in after embedding.

    Everything behind the embedding (positions, masks, pooling, projection) stays the tower's own
    business, so this works for every tower that embeds tokens, whatever it does afterwards.
    Contexts may be shared or class-specific. Cost: P x C x 77 tokens a call.
    """

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, classes: Sequence[str], num_contexts: int
    ) -> None:
        """Tokenise the classes once; `model` is any open_clip model in evaluation mode."""
        self._model: Any = model
        self._embedding = token_embedding(model)
        tokens = tokenize_classes(tokenizer, classes, num_contexts)
        self._first = len(tokens.start)
        self._ids_CL = tokens.ids(num_contexts).to(self._embedding.weight.device)
        self.num_contexts = num_contexts
        self.num_classes = len(classes)

    @property
    def width(self) -> int:
        """W, the size of a token vector."""
        return self._embedding.embedding_dim

    def __call__(self, contexts_PMW: torch.Tensor) -> torch.Tensor:
        """Features (P, C, D)."""
        prompts = contexts_PMW.shape[0]
        if contexts_PMW.dim() == 4:
            contexts_BMW = contexts_PMW.flatten(0, 1)
        else:
            contexts_BMW = contexts_PMW.repeat_interleave(self.num_classes, 0)
        ids_BL = self._ids_CL.repeat(prompts, 1)
        used = False

        def swap(_: nn.Module, args: tuple[Any, ...], out_BLW: torch.Tensor) -> torch.Tensor | None:
            nonlocal used
            if args[0].data_ptr() != ids_BL.data_ptr():
                return None  # another thread's texts
            used = True
            last = self._first + self.num_contexts
            context = contexts_BMW.to(out_BLW.dtype)
            return torch.cat([out_BLW[:, : self._first], context, out_BLW[:, last:]], dim=1)

        handle = self._embedding.register_forward_hook(swap)
        try:
            features_BD = self._model.encode_text(ids_BL, normalize=True)
        finally:
            handle.remove()
        if not used:
            raise _unsupported(self._model)
        return features_BD.view(prompts, self.num_classes, -1)


def token_embedding(model: nn.Module) -> nn.Embedding:
    """Where the text tower turns ids into vectors: CLIP, CustomTextCLIP and Hugging Face towers.

    Raises InvalidInputError UNSUPPORTED_TEXT_TOWER when there is no such place.
    """
    text: Any = getattr(model, "text", model)
    found = getattr(text, "token_embedding", None)
    if found is None and hasattr(getattr(text, "transformer", None), "get_input_embeddings"):
        found = text.transformer.get_input_embeddings()
    if not isinstance(found, nn.Embedding):
        raise _unsupported(model)
    return found


def _unsupported(model: nn.Module) -> InvalidInputError:
    tower = type(getattr(model, "text", model)).__name__
    return InvalidInputError(
        f"The text tower {tower} does not let token vectors be replaced, so prompts cannot be "
        "learned with this encoder; zero-shot scoring works, or use another encoder",
        reason="UNSUPPORTED_TEXT_TOWER",
        tower=tower,
    )
