"""`summary.json`: what a demo found, for programs."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class RoundSummary(BaseModel):
    """The state after a round; accuracies and areas are in 0..1."""

    model_config = ConfigDict(frozen=True)

    labels: int
    """Labels spent so far, the same for both arms."""
    accuracy: float
    """On the held-out images."""
    accuracy_random: float
    """The same with images leased at random."""
    auroc_p_clean: float | None
    """Of p_clean for "the prediction is right", on the unanswered pool; null if undefined."""
    auroc_max_prob: float | None
    """The same of the largest class probability."""
    seconds: float
    """Of the round's training run: training, re-scoring and the switch to the new version; without
    leasing, answering, the wait for a worker and the control."""


class Summary(BaseModel):
    """What a demo found."""

    model_config = ConfigDict(frozen=True)

    pool_size: int
    """Inputs: embedded and rejected."""
    embedded: int
    rejects: dict[str, int]
    """Rejected inputs by reason."""
    resumed: int
    """Inputs that an earlier, interrupted start had embedded."""
    zero_shot_accuracy: float
    rounds: list[RoundSummary]
    final_accuracy: float
    random_final_accuracy: float
    stages: dict[str, float]
    """Seconds by stage."""


def write_summary(summary: Summary, path: Path) -> None:
    """Write it whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(summary.model_dump_json(indent=2) + "\n")
    unfinished.replace(path)
