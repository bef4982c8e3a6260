"""What is broken."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What must be true; the numbers are those of the invariants in design.md, section 4."""

    SNAPSHOT = "SNAPSHOT"
    """1: manifest and shards are there as committed, every id once."""
    EMBEDDING = "EMBEDDING"
    """2: every snapshot and ranking of a pool is of the encoder of the pool."""
    PROVENANCE = "PROVENANCE"
    """3: rankings, prompt versions and graphs are as registered, and what they name is there."""
    LEASES = "LEASES"
    """4: no item is leased twice, or leased while it has an answer in force."""
    LABELS = "LABELS"
    """5: every acknowledged answer is there, and the answers in force are those of the events."""
    BUDGET = "BUDGET"
    """5: what is spent is what the answers in force cost."""
    ACTIVE = "ACTIVE"
    """6: what is active exists and belongs together."""
    PROMOTION = "PROMOTION"
    """7: a trained version that became active had been compared with the one before."""
    TRAIL = "TRAIL"
    """The audit trail, replayed, gives the state that there is."""


@dataclass(frozen=True)
class Finding:
    """One thing that is broken."""

    rule: Rule
    where: str
    """Resource name, or a file of the store."""
    what: str
    advice: str


def findings(rule: Rule, where: str, advice: str, what: Iterable[str]) -> list[Finding]:
    """A finding for each thing that is broken at one place."""
    return [Finding(rule, where, each, advice) for each in what]
