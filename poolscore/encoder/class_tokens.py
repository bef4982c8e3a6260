"""Token ids around a learned context: start, the class's own tokens, padding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from poolscore.errors import InvalidInputError

Tokenizer = Callable[[list[str]], torch.Tensor]


@dataclass(frozen=True)
class ClassTokens:
    """How a tokenizer frames texts, and the tokens that belong to each class alone."""

    start: list[int]
    """SOS, or nothing where the tokenizer has none."""
    own: list[list[int]]
    """Per class: name, ".", EOS."""
    pad: int
    length: int
    """Positions of the tower."""

    def ids(self, num_contexts: int) -> torch.Tensor:
        """(C, length) ids with placeholders where the contexts go.

        A placeholder is the class's first own token: never padding, never EOS.
        """
        rows: list[list[int]] = []
        for own in self.own:
            row = self.start + own[:1] * num_contexts + own
            rows.append(row + [self.pad] * (self.length - len(row)))
        return torch.tensor(rows)


def tokenize_classes(
    tokenizer: Tokenizer, classes: Sequence[str], num_contexts: int, positions: int | None = None
) -> ClassTokens:
    """Tokenise "{name}." for every class; underscores become blanks.

    A name too long for what the context leaves keeps its beginning and EOS, as open_clip does.
    Raises InvalidInputError when no position is left for a name.
    """
    if not classes:
        raise InvalidInputError("A pool needs at least one class name", reason="NO_CLASSES")
    probes = tokenizer(["a", "the"])
    start = [int(probes[0, 0])] if probes[0, 0] == probes[1, 0] else []
    pad = int(probes[0, -1])
    length = positions or probes.shape[1]
    room = length - len(start) - num_contexts
    if num_contexts < 1 or room < 3:
        raise InvalidInputError(
            f"{num_contexts} context vectors do not fit: the text tower has {length} positions and "
            "needs one for the start and three for a class name; use 1 to "
            f"{length - len(start) - 3}",
            reason="CONTEXT_LENGTH",
        )
    own: list[list[int]] = []
    for row in tokenizer([f"{name.replace('_', ' ').strip()}." for name in classes]):
        filled = torch.nonzero(row != pad)
        end = int(filled[-1]) + 1 if len(filled) else 1
        tokens = [int(token) for token in row[len(start) : end]]
        own.append(tokens if len(tokens) <= room else [*tokens[: room - 1], tokens[-1]])
    return ClassTokens(start=start, own=own, pad=pad, length=length)
