"""What is known of one item beside its place in a ranking; read where there is no torch."""

from dataclasses import dataclass

from poolscore.store.records import Prediction


@dataclass(frozen=True)
class ClassEvidence:
    """What the prompts say of an image and one class."""

    index: int
    positive: float
    """Cosine of the image and the positive prompt."""
    negative: float | None
    """Of the negative one; None for prompts that have none."""
    probability: float
    p_clean: float
    """That this label would be right."""


@dataclass(frozen=True)
class LabeledNeighbour:
    """An answered image near another one."""

    item_id: str
    labels: tuple[str, ...]
    """What the answer in force allows."""
    similarity: float
    """Cosine of the embeddings."""


@dataclass(frozen=True)
class Cluster:
    """The images around one, in the neighbour graph of its snapshot."""

    items: tuple[str, ...]
    """Nearest first, without the image itself."""
    same_class: int
    """Those that are predicted to be of the same class as the image."""
    labeled: int
    """Those with an answer in force that names classes."""
    similarity: float
    """Mean cosine to them."""


@dataclass(frozen=True)
class Reject:
    """Why an input could not be embedded."""

    uri: str
    reason: str
    detail: str


@dataclass(frozen=True)
class ItemEvidence:
    """One embedded image of a snapshot, seen by a prompt version."""

    uri: str
    prediction: Prediction
    predicted: ClassEvidence
    runner_up: ClassEvidence
    neighbours: tuple[LabeledNeighbour, ...]
    """Nearest first."""
    near_duplicates: tuple[str, ...]
    """Items that show the same photograph, this one among them; empty when none is known."""
    cluster: Cluster | None
    """None: the snapshot has no neighbour graph."""
