"""The scorer actors: named, restarted by Ray for ever, found by their names."""

from hashlib import blake2b
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import ray
from ray.actor import ActorHandle

from poolscore.config import Settings
from poolscore.cores import cores
from services.workers import NAMESPACE

if TYPE_CHECKING:
    from pipelines.embeddings import Float16, Int64
    from poolscore.scoring.types import PromptFeatures, Scores
    from services.scorer import Part

_NUM_CPUS = 0.1


class ScorerActor:
    """A scorer as a Ray actor, see `services.scorer.Scorer`."""

    def __init__(self, store_uri: str, limit_bytes: int) -> None:
        """Hold nothing yet."""
        from services.scorer import Scorer  # torch: not in the process that starts the actor

        self._scorer = Scorer(store_uri, limit_bytes)

    def names(self, part: "Part") -> tuple[pa.Array, pa.Array] | None:
        """Ids and addresses."""
        return self._scorer.names(part)

    def score(self, part: "Part", prompts: "PromptFeatures") -> "Scores":
        """Scores of every image."""
        return self._scorer.score(part, prompts)

    def take(self, part: "Part", rows: "Int64") -> "Float16":
        """Embeddings of these rows."""
        return self._scorer.take(part, rows)


def start_scorers(settings: Settings) -> list[ActorHandle[ScorerActor]]:
    """Start the scorers, or find them running."""
    limit = int(settings.scorer_memory_gib * 2**30)
    return [
        cast(
            "ActorHandle[ScorerActor]",
            ray.remote(ScorerActor)
            .options(
                name=_name(settings.store_uri, number),
                namespace=NAMESPACE,
                get_if_exists=True,
                lifetime="detached",
                max_restarts=-1,
                # A question has no effect, so it may be asked again of a restarted scorer.
                max_task_retries=3,
                # Ray gives an actor with a fraction of a CPU one thread.
                runtime_env={"env_vars": {"OMP_NUM_THREADS": str(cores())}},
                max_concurrency=4,
                num_cpus=_NUM_CPUS,
            )
            .remote(settings.store_uri, limit),
        )
        for number in range(settings.scorers)
    ]


def find_scorer(store_uri: str, number: int) -> ActorHandle[ScorerActor] | None:
    """The scorer with this number of a store; None when there is none."""
    try:
        actor = ray.get_actor(_name(store_uri, number), namespace=NAMESPACE)
    except ValueError:
        return None
    return cast("ActorHandle[ScorerActor]", actor)


def _name(store_uri: str, number: int) -> str:
    store = blake2b(store_uri.encode(), digest_size=4).hexdigest()
    return f"poolscore-scorer-{store}-{number}"
