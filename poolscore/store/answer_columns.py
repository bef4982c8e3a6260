"""Answers as columns of a label event."""

from typing import Any

from poolscore.labels.answer import Abstain, Answer, Candidates, Label, class_names

LABEL, CANDIDATES, ABSTAIN = "LABEL", "CANDIDATES", "ABSTAIN"
RETRACT = "RETRACT"
"""Kind of an event that takes an answer back; it has no answer."""


def write_answer(answer: Answer) -> dict[str, Any]:
    """Column values of an answer."""
    match answer:
        case Label():
            kind, reason = LABEL, ""
        case Candidates():
            kind, reason = CANDIDATES, ""
        case Abstain():
            kind, reason = ABSTAIN, answer.reason
    return {"kind": kind, "labels": list(class_names(answer)), "abstain_reason": reason}


def read_answer(row: Any) -> Answer:
    """The answer in a row with those columns."""
    if row.kind == ABSTAIN:
        return Abstain(row.abstain_reason)
    return Label(row.labels[0]) if row.kind == LABEL else Candidates(tuple(row.labels))
