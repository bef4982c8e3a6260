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
    """Items in open leases, for which the budget is reserved."""


@dataclass(frozen=True)
class Active:
    """What a pool has active: numbers in the pool, None before anything is embedded."""

    snapshot: int | None
    prompt_version: int | None
    ranking: int | None


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
    budget: int = 0
    """Labels that may be bought; 0: any number."""
    spent: int = 0
    """Answers in force, of every annotator."""
    delete_time: datetime | None = None
    """None: the pool is not deleted."""
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
class Promotion:
    """Whether a trained version may take over, by labels held out of its training."""

    promoted: bool
    reason: str
    """Why or why not, in words."""
    compared_with: int
    """The version that was active."""
    held_out: int = 0
    """Labels that both were compared on; 0: too few, and everything below is None."""
    accuracy: float | None = None
    """Share of them that it predicted."""
    active_accuracy: float | None = None
    p_clean_error: float | None = None
    """Mean squared error of p_clean as the probability that the prediction is right."""
    active_p_clean_error: float | None = None
    p_value: float | None = None
    """How likely it is that a version as good as the active one does as badly."""


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
    classes: tuple[str, ...]
    """Class names in index order: what the numbers in its predictions mean."""
    promotion: Promotion | None = None
    """None: it came without a comparison."""

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
    answer: Answer | None
    """None when the event takes an answer back."""
    annotator: str
    batch: int | None
    create_time: datetime
    prediction: Prediction | None
    """None when the item was never leased."""
    prompt_version: int | None
    """The version that predicted."""
    retracts: int | None = None
    """The event of the answer that this one takes back."""

    @property
    def name(self) -> str:
        """Resource name."""
        return f"pools/{self.pool_id}/labelEvents/{self.sequence}"


@dataclass(frozen=True)
class AuditEvent:
    """Who did what, and what the catalog was changed to."""

    pool_id: str
    """Empty for events of no pool."""
    sequence: int
    """From 1, without gaps, inside the pool or among those of no pool."""
    create_time: datetime
    actor: str
    """The holder of the token, or the process, such as a worker or `user@host:pid`."""
    token_id: str
    """Empty when no token was asked for."""
    action: str
    resource: str
    """Resource name of what was changed."""
    request_id: str
    facts: Mapping[str, Any]
    """See `audit`."""
