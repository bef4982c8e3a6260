"""Every hyper-parameter of the dual-prompt learner.

Flags: [A] stated by the paper (arXiv 2602.04340), [B] from the public code of its ancestor DeFT
(github.com/HotanLee/DeFT) or of CoOp, [C] chosen here, by experiments on photographs of clothes
and groceries; one set of values for all pools.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from poolscore.errors import InvalidInputError
from poolscore.labels.candidates.names import CandidateLossName

GradientRouting = Literal["deft", "activeclip"]
Optimizer = Literal["adamw", "sgd"]
WeightAveraging = Literal["none", "gaussian", "beta"]


class DualPromptConfig(BaseModel):
    """How positive and negative prompts and the adapter are learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context_length: int = Field(default=16, ge=1)
    """M, learned vectors of each prompt [A: 16]."""
    class_specific: bool = False
    """Whether every class has contexts of its own, CoOp's CSC [A: no; B: PCB and C-PEAL, yes]."""
    context_std: float = Field(default=0.02, gt=0)
    """Standard deviation of the initial contexts [B: CoOp and DeFT, 0.02]."""
    warm_start_steps: int = Field(default=20, ge=0)
    """Steps that pull the initial contexts to the encoder's own text features [C]."""
    warm_start_learning_rate: float = Field(default=0.02, gt=0)
    """Learning rate (Adam) of these steps [C]."""

    dual_weight: float = Field(default=1.0, ge=0)
    """lambda of Eq. 6, weight of the dual loss [A: not given; B: 1]; 0: no negative prompt."""
    gradient_routing: GradientRouting = "activeclip"
    """What the dual loss may change, see `losses.clean_logits` [A by its wording; B: deft].

    The two were equally accurate; here p_clean ranks right predictions a little better."""
    anchor_weight: float = Field(default=8.0, ge=0)
    """Weight of the positive text features' distance to the encoder's own [C, after KgCoOp]."""

    optimizer: Optimizer = "adamw"
    """[A: sgd; C: adamw, tens of labels leave SGD too few steps]."""
    learning_rate: float = Field(default=0.02, gt=0)
    """Of the contexts, decayed by a cosine [A: 0.001 to 0.03 for SGD; C for AdamW]."""
    weight_decay: float = Field(default=5e-4, ge=0)
    """Of the contexts [A: not given; B: 5e-4]."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of SGD [A: not given; B: 0.9]."""
    epochs: int = Field(default=20, ge=1)
    """Passes over the labels, or over the pseudo-labels where there are no labels [A: 10 or 20]."""
    min_steps: int = Field(default=150, ge=1)
    """Steps at least, however few the labels [C]."""
    max_steps: int = Field(default=1000, ge=1)
    """Steps at most, however many the labels [C]."""
    text_every: int = Field(default=8, ge=1)
    """Steps to one pass through the text tower, which is most of a step's cost [C].

    The adapter learns at every step; the contexts move by the gradient that gathered."""
    labelled_batch: int = Field(default=64, ge=1)
    """Labelled images a step [A: 16; C: the text pass dominates a step, more images are free]."""
    pseudo_batch: int = Field(default=64, ge=1)
    """Pseudo-labelled images a step [A: 64]."""
    pseudo_per_class: int = Field(default=0, ge=0)
    """K = k, pseudo-labels mined of each predicted class [A: not given; C: none].

    With 4 to 16 of them accuracy moved by -0.05 to +0.04, and where zero-shot is
    poor (two of ten right) its pseudo-labels cost 0.06. Worth trying where zero-shot is good."""
    pseudo_confidence: float | None = Field(default=None, gt=0, lt=1)
    """Mine only predictions that are right with this probability at least, calibrated by answers
    that came after the prompts which predict (`poolscore.correctness`) [C]; None: the
    `pseudo_per_class` of largest p_clean, whatever they are [A]."""
    pseudo_weight: float = Field(default=0.3, gt=0)
    """Weight of the mean pseudo-label loss beside the mean label loss [A: not given; C]."""

    candidate_loss: CandidateLossName = "rc"
    """Loss where answers name several candidates (arXiv 2407.07638) [C: which one]."""
    candidate_alignment: bool = True
    """Whether zero-shot predictions guide the choice among the candidates [A]."""
    alignment_mix: float = Field(default=0.5, ge=0, le=1)
    """Share of the learned posterior in that guide [A: a schedule, not given; B: 0; C: a half, for
    zero-shot alone misleads where it is poor]."""

    adapter_rank: int = Field(default=32, ge=0)
    """Rank of the residual adapter; 0 leaves it out [C]."""
    adapter_learning_rate: float = Field(default=0.01, gt=0)
    """Learning rate of the adapter [C]."""
    adapter_shrinkage: float = Field(default=300.0, ge=0)
    """Weight decay of the adapter is this over the number of labels [C].

    A prior of fixed strength beside a mean loss: it rules few labels and yields to many."""

    calibration_weight: float = Field(default=0.0, ge=0)
    """C-PEAL's loss at the end of its annealing (`calibration`); 0 leaves it out [B: 1.0]."""
    text_consistency: float = Field(default=0.0, ge=0)
    """PromptSRC's L1 term of text features (`regularisers`) [B: 25]."""
    image_consistency: float = Field(default=0.0, ge=0)
    """PromptSRC's L1 term of image features, on the output of the adapter [B: 10]."""
    logit_consistency: float = Field(default=0.0, ge=0)
    """PromptSRC's KL term [B: 1]."""
    margin: float = Field(default=0.0, ge=0)
    """CLIPood's margin by meaning [B: 0.3]."""
    weight_averaging: WeightAveraging = "none"
    """Mean of contexts and adapter over training: gaussian (PromptSRC) or beta (CLIPood) [B]."""

    held_out_share: float = Field(default=0.1, ge=0, le=0.5)
    """Share of the labels of a pool that no version is trained with, to judge each of them
    (`held_out`) [C]; 0: every trained version takes over."""
    held_out_least: int = Field(default=20, ge=1)
    """Held-out labels at least; while there are fewer, all are trained with [C]."""


def parse_config(text: str) -> DualPromptConfig:
    """Read JSON of the fields that differ from the defaults; empty: none does.

    Raises InvalidInputError INVALID_TRAINING.
    """
    try:
        return DualPromptConfig.model_validate_json(text or "{}")
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the text'}: {each['msg']}"
            for each in error.errors()
        )
        raise InvalidInputError(
            f"the training settings {text!r} cannot be used ({problems}); give JSON such as "
            '{"pseudo_per_class": 16, "pseudo_confidence": 0.9}',
            reason="INVALID_TRAINING",
        ) from error
