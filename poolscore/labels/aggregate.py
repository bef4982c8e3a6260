"""Several annotators an image: whom to believe how much.

One-coin Dawid-Skene (the "one accuracy an annotator" case of Dawid and Skene 1979), fitted by EM:
an annotator is right with one probability, whatever the class, and errs evenly over the others.
Shapes: V votes, N images, A annotators, C classes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Float64 = npt.NDArray[np.float64]


class AggregationConfig(BaseModel):
    """How annotators are weighed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior_right: float = Field(default=4.0, gt=0)
    """Answers that every annotator is taken to have given rightly before [C]."""
    prior_wrong: float = Field(default=1.0, gt=0)
    """And wrongly [C]: with `prior_right`, 0.8 until votes say otherwise, and never 0 or 1."""
    iterations: int = Field(default=100, ge=1)
    """EM steps at most [C]."""
    tolerance: float = Field(default=1e-9, gt=0)
    """EM ends when no accuracy moves by more [C]."""


@dataclass(frozen=True)
class Votes:
    """Answers of annotators, one of each to an image; entry i of every field is one answer."""

    item_V: npt.NDArray[np.integer]
    """Image, 0 to N - 1."""
    annotator_V: npt.NDArray[np.integer]
    """Annotator, 0 to A - 1."""
    allowed_VC: npt.NDArray[np.bool_]
    """Classes that the answer allows: one for a label, several for candidates, never none."""


@dataclass(frozen=True)
class Aggregate:
    """What the votes say together."""

    posterior_NC: Float64
    """Probability of each class; uniform for an image without votes."""
    accuracy_A: Float64
    """Probability that an annotator's answer allows the true class."""


def aggregate(
    votes: Votes,
    items: int,
    annotators: int,
    config: AggregationConfig | None = None,
) -> Aggregate:
    """Weigh votes by how much annotators agree; no randomness, order of votes does not matter.

    Starts from the shares of votes. An image with a single vote keeps it as it is (uniform over
    its classes) and says nothing of its annotator, who agrees with nobody there [C]. Class
    frequencies are taken as equal [C]: queried images do not have those of the pool. A candidate
    set S is right with the same probability as a label; given that, each set of its size is equally
    likely, so a vote multiplies by acc inside of S and by (1 - acc) |S| / (C - |S|) outside [C].
    """
    config = config or AggregationConfig()
    counts_N = np.bincount(votes.item_V, minlength=items)
    shared_V = counts_N[votes.item_V] > 1
    shared = Votes(votes.item_V[shared_V], votes.annotator_V[shared_V], votes.allowed_VC[shared_V])
    shares_NC = _shares(votes, items)
    posterior_NC = shares_NC
    accuracy_A = _accuracies(shared, posterior_NC, annotators, config)
    for _ in range(config.iterations):
        posterior_NC = _posterior(shared, accuracy_A, items)
        before_A, accuracy_A = accuracy_A, _accuracies(shared, posterior_NC, annotators, config)
        if np.abs(accuracy_A - before_A).max(initial=0.0) <= config.tolerance:
            break
    alone_N1 = (counts_N == 1)[:, None]
    return Aggregate(np.where(alone_N1, shares_NC, posterior_NC), accuracy_A)


def credible_sets(posterior_NC: Float64, mass: float = 0.9) -> npt.NDArray[np.bool_]:
    """Likeliest classes that hold at least `mass` of each row, (N, C) [C].

    Annotators who agree leave one class, those who do not leave several to the candidate losses.
    Classes of equal probability enter together: the order of the classes decides nothing.
    """
    sorted_NC = -np.sort(-posterior_NC, axis=1)
    before_NC = np.cumsum(sorted_NC, axis=1) - sorted_NC
    # Not by the bare sum: 0.5 + 0.4 must count as 0.9.
    last_N1 = (before_NC < mass - 1e-12).sum(axis=1, keepdims=True) - 1
    least_N1 = np.take_along_axis(sorted_NC, last_N1, axis=1)
    return posterior_NC >= least_N1 * (1 - 1e-9)


def _shares(votes: Votes, items: int) -> Float64:
    """Mean over the votes of an image, each uniform over its classes, (N, C)."""
    classes = votes.allowed_VC.shape[1]
    sum_NC = np.zeros((items, classes))
    np.add.at(sum_NC, votes.item_V, votes.allowed_VC / votes.allowed_VC.sum(axis=1, keepdims=True))
    total_N1 = sum_NC.sum(axis=1, keepdims=True)
    return np.where(total_N1 > 0, sum_NC / np.where(total_N1 > 0, total_N1, 1), 1 / classes)


def _accuracies(
    votes: Votes, posterior_NC: Float64, annotators: int, config: AggregationConfig
) -> Float64:
    """M step: the believed share of right answers, with the prior's, (A,)."""
    right_V = (posterior_NC[votes.item_V] * votes.allowed_VC).sum(axis=1)
    right_A = np.bincount(votes.annotator_V, right_V, annotators) + config.prior_right
    answers_A = np.bincount(votes.annotator_V, minlength=annotators)
    return right_A / (answers_A + config.prior_right + config.prior_wrong)


def _posterior(votes: Votes, accuracy_A: Float64, items: int) -> Float64:
    """E step: product over the votes of an image, in logarithms, (N, C)."""
    classes = votes.allowed_VC.shape[1]
    accuracy_V1 = accuracy_A[votes.annotator_V][:, None]
    size_V1 = votes.allowed_VC.sum(axis=1, keepdims=True)
    # A set of all classes says nothing; its outside is empty and its factor is not used.
    outside_V1 = (1 - accuracy_V1) * size_V1 / np.maximum(classes - size_V1, 1)
    log_NC = np.zeros((items, classes))
    np.add.at(log_NC, votes.item_V, np.log(np.where(votes.allowed_VC, accuracy_V1, outside_V1)))
    likelihood_NC = np.exp(log_NC - log_NC.max(axis=1, keepdims=True))
    return likelihood_NC / likelihood_NC.sum(axis=1, keepdims=True)
