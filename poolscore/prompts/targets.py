"""What training images should become: plain labels here, candidate sets in `candidate_targets`.

Shapes: N training images, n images of a step, C classes.
"""

from typing import Protocol

import torch
from torch.nn.functional import one_hot

from poolscore.prompts.losses import classification_loss, draw_complement, dual_loss


class Targets(Protocol):
    """Targets of all training images; a step asks for those of its `rows_n`."""

    def classification(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """Loss (n,) of the positive logits."""
        ...

    def dual(
        self, clean_nC: torch.Tensor, positive_nC: torch.Tensor, rows_n: torch.Tensor
    ) -> torch.Tensor:
        """Loss (n,) of the logits of p_clean."""
        ...

    def shares(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """How much each class is believed to be the label, (n, C), without gradient."""
        ...

    @property
    def learns_from_steps(self) -> bool:
        """Whether `update` wants the positive logits of the model after each step."""
        ...

    def update(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> None:
        """Take note of what the model says after the step."""
        ...


class PlainTargets:
    """One class an image."""

    learns_from_steps = False

    def __init__(self, target_N: torch.Tensor, generator: torch.Generator) -> None:
        """`generator` draws the complementary labels."""
        self._target_N = target_N
        self._generator = generator

    def classification(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """Cross-entropy with the label (Eq. 4) [A]."""
        return classification_loss(positive_nC, self._target_N[rows_n])

    def dual(
        self, clean_nC: torch.Tensor, positive_nC: torch.Tensor, rows_n: torch.Tensor
    ) -> torch.Tensor:
        """Eq. 5 with a complementary label drawn anew [A]."""
        del positive_nC
        target_n = self._target_N[rows_n]
        complement_n = draw_complement(target_n, clean_nC.shape[1], self._generator)
        return dual_loss(clean_nC, target_n, complement_n)

    def shares(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """One-hot rows."""
        return one_hot(self._target_N[rows_n], positive_nC.shape[1]).to(positive_nC.dtype)

    def update(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> None:
        """Nothing to note: labels stay what they are."""
