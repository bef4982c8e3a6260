"""One of the candidate losses, bound to the training images and to the weights it keeps of them.

Shapes: N training images, n images of a step, C classes.
"""

import torch

from poolscore.labels.candidates.cavl import cavl_loss
from poolscore.labels.candidates.cc import cc_loss
from poolscore.labels.candidates.lws import lws_loss, lws_start, lws_weights
from poolscore.labels.candidates.naive import naive_loss
from poolscore.labels.candidates.names import CandidateLossName
from poolscore.labels.candidates.rc import rc_loss, rc_start, rc_weights


class CandidateLoss:
    """Loss by name; RC and LWS remember a weight for every image and class."""

    def __init__(self, name: CandidateLossName, mask_NC: torch.Tensor) -> None:
        """`mask_NC` is True where a class is a candidate; every row has one at least."""
        self._name: CandidateLossName = name
        self._mask_NC = mask_NC
        self._weights_NC: torch.Tensor | None = None
        if name == "rc":
            self._weights_NC = rc_start(mask_NC)
        elif name == "lws":
            self._weights_NC = lws_start(mask_NC)

    @property
    def keeps_weights(self) -> bool:
        """Whether `update` wants the logits of the model after each step."""
        return self._weights_NC is not None

    def __call__(self, logits_nC: torch.Tensor, rows_n: torch.Tensor) -> torch.Tensor:
        """Losses (n,) of the training images `rows_n`."""
        mask_nC = self._mask_NC[rows_n]
        if self._weights_NC is None:
            stateless = {"naive": naive_loss, "cc": cc_loss, "cavl": cavl_loss}
            return stateless[self._name](logits_nC, mask_nC)
        weights_nC = self._weights_NC[rows_n]
        if self._name == "rc":
            return rc_loss(logits_nC, weights_nC)
        return lws_loss(logits_nC, mask_nC, weights_nC)

    def update(self, logits_nC: torch.Tensor, rows_n: torch.Tensor) -> None:
        """Set the weights of the images `rows_n` by logits of the model after the step."""
        if self._weights_NC is not None:
            reweigh = rc_weights if self._name == "rc" else lws_weights
            self._weights_NC[rows_n] = reweigh(logits_nC, self._mask_NC[rows_n])
