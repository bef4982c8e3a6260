"""Judges one answer: may it be recorded, and what was predicted before it was known?

A refusal carries a reason that ErrorInfo could carry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from poolscore.labels.answer import (
    Abstain,
    Answer,
    Candidates,
    LabelInput,
    LabelResult,
    class_names,
)
from poolscore.labels.unknown_class import unknown_class
from poolscore.store.records import Prediction


@dataclass(frozen=True)
class Leased:
    """An item in a batch, as it was leased."""

    batch: int
    prompt_version: int
    annotator: str
    prediction: Prediction


@dataclass(frozen=True)
class Evidence:
    """What the catalog and the caller know about the items of a request."""

    leased: Mapping[str, Mapping[int, Leased]]
    """By item and batch, batches in ascending order."""
    batches: frozenset[int]
    """Those named in the request that exist."""
    known: frozenset[str]
    """Items that the caller has confirmed."""


@dataclass(frozen=True)
class Accepted:
    """An answer that may be recorded, with the leasing whose prediction it answers."""

    answer: LabelInput
    leased: Leased | None

    @property
    def annotator(self) -> str:
        """Who answered."""
        return self.answer.annotator or (self.leased.annotator if self.leased else "")


def judge_answer(answer: Answer, classes: Sequence[str]) -> LabelResult | None:
    """Refuse an answer that no item of the pool can have; None when it may be one."""
    names = class_names(answer)
    unknown = [name for name in names if name not in classes]
    if unknown:
        return refused("UNKNOWN_CLASS", unknown_class(unknown[0], classes))
    if isinstance(answer, Candidates) and (len(names) < 2 or len(set(names)) < len(names)):
        return refused(
            "INVALID_CANDIDATES", "candidates must be two or more different classes of the pool"
        )
    if isinstance(answer, Abstain) and "\0" in answer.reason:
        return refused("INVALID_TEXT", "the reason has a NUL character in it; leave it out")
    return None


def judge_item(label: LabelInput, evidence: Evidence) -> Accepted | LabelResult:
    """Accept a possible answer to its item and batch, or refuse it."""
    if "\0" in label.annotator:
        return refused("INVALID_TEXT", "the annotator has a NUL character in it; leave it out")
    leasings = evidence.leased.get(label.item_id, {})
    if label.batch is not None:
        return _judge_batch(label, label.batch, leasings, evidence)
    if leasings:
        return Accepted(label, leasings[max(leasings)])
    if label.item_id in evidence.known:
        return Accepted(label, None)
    return refused("UNKNOWN_ITEM", f"the pool has no item '{label.item_id}'")


def _judge_batch(
    label: LabelInput, batch: int, leasings: Mapping[int, Leased], evidence: Evidence
) -> Accepted | LabelResult:
    if batch in leasings:
        return Accepted(label, leasings[batch])
    if batch not in evidence.batches:
        return refused("BATCH_NOT_FOUND", f"the pool has no batch {batch}")
    return refused("WRONG_BATCH", f"item '{label.item_id}' is not in batch {batch}")


def refused(reason: str, message: str) -> LabelResult:
    """The result of an answer that is not recorded."""
    return LabelResult(None, reason, message)
