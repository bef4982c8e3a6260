"""How a run ended."""

from dataclasses import dataclass

from poolscore.store.records import RunProgress, RunState, StageSeconds


@dataclass(frozen=True)
class Outcome:
    """The state a run ends in and what it produced."""

    state: RunState
    error: str = ""
    snapshot: int | None = None
    prompt_version: int | None = None
    ranking: int | None = None
    progress: RunProgress | None = None
    stages: tuple[StageSeconds, ...] = ()
    promoted: bool | None = None
    """Whether the version that was trained may take over; None where none was."""
