"""What the catalog gives back: frozen records, numbered inside their pool.

Times are aware datetimes in UTC. `uri` fields are paths relative to the root of the file store, so
that a store can be moved or mounted elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from poolscore.encoder.spec import EncoderSpec
from poolscore.labels.answer import Answer


def utcnow() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


class RunKind(StrEnum):
    """What a run does."""

    EMBED = "EMBED"
    RESCORE = "RESCORE"
    NEIGHBOURS = "NEIGHBOURS"
    TRAIN = "TRAIN"


class RunState(StrEnum):
    """Where a run stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens in this state."""
        return self not in (RunState.PENDING, RunState.RUNNING)


class BatchState(StrEnum):
    """Where a batch stands."""

    OPEN = "OPEN"
    DONE = "DONE"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class PoolCounts:
    """What a pool holds at the time of reading."""

    embedded: int = 0
    rejected: int = 0
    answered: int = 0
    """Items with an effective answer of any kind."""
    leased: int = 0


@dataclass(frozen=True)
class Pool:
    """A named collection of images with class names, a text template and an encoder."""

    pool_id: str
    display_name: str
    classes: tuple[str, ...]
    template: str
    encoder: EncoderSpec
    encoder_digest: str
    strategy: str
    train_after_labels: int
    etag: str
    """Changes with every write to the pool itself."""
    create_time: datetime
    update_time: datetime
    active_snapshot: int | None = None
    active_prompt_version: int | None = None
    active_ranking: int | None = None
    counts: PoolCounts = PoolCounts()

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}"


@dataclass(frozen=True)
class RunProgress:
    """How far a run is."""

    total: int = 0
    done: int = 0
    resumed: int = 0
    """Done in an earlier attempt and not repeated; part of `done`."""
    rejects: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rejected images by reason."""
    rate: float = 0.0
    """Items a second over the last seconds."""
    seconds_left: float = -1.0
    """Negative when unknown."""
    message: str = ""
    known: int = 0
    """Inputs that the pool held before, and not part of `total`."""
    new: int = 0
    """Inputs that it did not hold."""
    changed: int = 0
    """Inputs that it held with other content; known when they have been read."""
    missing: int = 0
    """Images that the pool has from these sources, which have them no longer."""


@dataclass(frozen=True)
class StageSeconds:
    """Time that one stage of a run took."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """A job on a pool; the runs table is the work queue."""

    pool_id: str
    number: int
    kind: RunKind
    spec: Mapping[str, Any]
    """JSON object whose keys are the fields of the contract's spec of this kind."""
    request_id: str
    state: RunState
    progress: RunProgress
    error: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    sequence: int
    """Grows by one with every change that a watcher can see."""
    owner: str
    """Worker that has it; empty when none."""
    attempts: int
    """How often a worker has taken it."""
    cancel_requested: bool
    snapshot: int | None
    prompt_version: int | None
    ranking: int | None
    stages: tuple[StageSeconds, ...]

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/runs/{self.number}"


@dataclass(frozen=True)
class Snapshot:
    """An immutable, committed set of embedding shards."""

    pool_id: str
    number: int
    manifest_uri: str
    manifest_sha256: str
    embedded: int
    rejected: int
    encoder_digest: str
    run: int | None
    create_time: datetime

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/snapshots/{self.number}"


@dataclass(frozen=True)
class NeighbourGraph:
    """The nearest-neighbour graph of a snapshot; the lists and groups are in the file at `uri`."""

    pool_id: str
    snapshot: int
    uri: str
    sha256: str
    k: int
    """Neighbours of each image."""
    images: int
    details: Mapping[str, Any]
    """How it was made: exact or not, recall, the searches, near-duplicate groups, seconds."""
    create_time: datetime


@dataclass(frozen=True)
class PromptVersion:
    """Learned prompts with their lineage; number 0 is zero-shot."""

    pool_id: str
    number: int
    digest: str
    uri: str
    label_watermark: int
    """Newest label event that it was trained with."""
    label_count: int
    parent: int | None
    metrics: Mapping[str, float]
    create_time: datetime

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/promptVersions/{self.number}"


@dataclass(frozen=True)
class Ranking:
    """Provenance of an immutable ranking; the rows are in the file at `uri`."""

    pool_id: str
    number: int
    snapshot: int
    prompt_version: int
    strategy: str
    parameters: Mapping[str, Any]
    seed: int
    code_version: str
    encoder_digest: str
    uri: str
    sha256: str
    size: int
    create_time: datetime

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/rankings/{self.number}"


@dataclass(frozen=True)
class Prediction:
    """What a prompt version said of an image."""

    predicted: int
    """Class index."""
    probability: float
    margin: float
    entropy: float
    """Nats."""
    p_clean: float


@dataclass(frozen=True)
class RankedItem:
    """One row of a ranking."""

    item_id: str
    uri: str
    rank: int
    """Place in the ranking, from 0."""
    utility: float
    reason: str
    prediction: Prediction


@dataclass(frozen=True)
class BatchItem(RankedItem):
    """A ranked item as it was leased, and whether it has an effective answer by now."""

    answered: bool = False


@dataclass(frozen=True)
class Batch:
    """Items of one ranking leased to one annotator until a deadline."""

    pool_id: str
    number: int
    annotator: str
    items: tuple[BatchItem, ...]
    state: BatchState
    lease_time: datetime
    expire_time: datetime
    ranking: int
    prompt_version: int
    request_id: str

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/batches/{self.number}"


@dataclass(frozen=True)
class LabelEvent:
    """One recorded answer, with the prediction made before it was known."""

    pool_id: str
    sequence: int
    item_id: str
    answer: Answer
    annotator: str
    batch: int | None
    create_time: datetime
    prediction: Prediction | None
    """None when the item was never leased."""
    prompt_version: int | None
    """The version that predicted."""

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/labelEvents/{self.sequence}"
