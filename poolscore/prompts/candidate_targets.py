"""Training targets where people named several classes that an image may show.

Shapes: N training images, n images of a step, C classes, D embedding width.
"""

import torch

from poolscore.labels.candidates.alignment import (
    alignment_loss,
    alignment_ratio,
    alignment_target,
    mixed_posterior,
)
from poolscore.labels.candidates.family import CandidateLoss
from poolscore.labels.candidates.rc import rc_weights
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.losses import soft_dual_loss


class CandidateTargets:
    """Candidate sets of all training images; a plain label is a set of one.

    arXiv 2407.07638: a loss for candidate labels plus the alignment with what the handcrafted
    prompt thinks of the candidates, rescaled to the same size [B: CoOpPLL].
    """

    def __init__(
        self,
        mask_NC: torch.Tensor,
        handcrafted_NC: torch.Tensor | None,
        config: DualPromptConfig,
        generator: torch.Generator,
    ) -> None:
        """`handcrafted_NC` are zero-shot probabilities; None leaves the alignment out."""
        self._mask_NC = mask_NC
        self._loss = CandidateLoss(config.candidate_loss, mask_NC)
        self._handcrafted_NC = handcrafted_NC if config.candidate_alignment else None
        self._mix = config.alignment_mix
        self._generator = generator

    @property
    def learns_from_steps(self) -> bool:
        """Whether the loss keeps weights that follow the model."""
        return self._loss.keeps_weights

    def classification(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """(L_pll + L_al sg(L_pll / L_al)) / 2, one value an image; L_pll alone without alignment.

        The halves are ours [C]: the sum then weighs as much beside the dual loss and the anchor
        as cross-entropy does, so that the first candidate set of a pool changes no other balance.
        """
        losses_n = self._loss(positive_nC, rows_n)
        if self._handcrafted_NC is None:
            return losses_n
        aligned_n = alignment_loss(positive_nC, self.shares(positive_nC, rows_n))
        ratio = alignment_ratio(losses_n.mean(), aligned_n.mean())
        return 0.5 * (losses_n + ratio * aligned_n)

    def dual(
        self, clean_nC: torch.Tensor, positive_nC: torch.Tensor, rows_n: torch.Tensor
    ) -> torch.Tensor:
        """Eq. 5 in expectation over the candidates, the complement drawn outside of them [C]."""
        shares_nC = self.shares(positive_nC, rows_n)
        return soft_dual_loss(clean_nC, shares_nC, self._mask_NC[rows_n], self._generator)

    def shares(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """The alignment target; without alignment the model's own belief in each candidate."""
        mask_nC = self._mask_NC[rows_n]
        if self._handcrafted_NC is None:
            return rc_weights(positive_nC, mask_nC)
        learned_nC = positive_nC.detach().softmax(dim=1)
        mixed_nC = mixed_posterior(self._handcrafted_NC[rows_n], learned_nC, self._mix)
        return alignment_target(mixed_nC, mask_nC)

    def update(self, positive_nC: torch.Tensor, rows_n: torch.Tensor) -> None:
        """Weigh the candidates by the model after the step [B]."""
        self._loss.update(positive_nC, rows_n)


def handcrafted_posterior(
    image_ND: torch.Tensor, anchor_CD: torch.Tensor, scale: float
) -> torch.Tensor:
    """softmax(s <v, t>) of the frozen image feature and the template's text features, (N, C).

    The authors' code does not normalise the image feature here [B]; we do, as everywhere [C].
    """
    return (scale * image_ND @ anchor_CD.T).softmax(dim=1)
