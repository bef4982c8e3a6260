"""What is killed, and when."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from random import Random


class Kind(StrEnum):
    """What a kill hits."""

    DRIVER = "driver"
    ACTOR = "actor"
    NODE = "node"


class Stage(IntEnum):
    """Where a run is, in order."""

    LISTING = 0
    """Until the plan is frozen."""
    STARTING = 1
    """Until the first image is opened."""
    EMBEDDING = 2
    """Until every image was opened."""
    COMMITTING = 3
    """Until the manifest is there."""
    RANKING = 4
    """Until the process ends."""


@dataclass(frozen=True, order=True)
class Point:
    """A kill that is to come."""

    stage: Stage
    fraction: float
    """Of the stage: of its images while embedding, else of its time in an undisturbed run."""
    kind: Kind


def draw_points(random: Random, count: int) -> list[Point]:
    """Random kills of one run, in order; most while it embeds, at most one in each end stage."""
    stages = [stage for stage in (Stage.COMMITTING, Stage.RANKING) if random.random() < 0.5]
    early = random.choices([Stage.LISTING, Stage.STARTING, Stage.EMBEDDING], [1, 2, 9], k=count)
    stages = (stages + early)[:count]
    return sorted(Point(stage, random.random(), _kind(random, stage)) for stage in stages)


def _kind(random: Random, stage: Stage) -> Kind:
    # Before and after embedding a run has nothing on the cluster.
    if stage in (Stage.LISTING, Stage.RANKING):
        return Kind.DRIVER
    # Drivers die in the other stages as well.
    return random.choices(list(Kind), [2, 3, 3])[0]
