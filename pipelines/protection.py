"""Ray Data's checkpointing, and the refusal of plans that it would not protect.

Ray Data only warns when it cannot checkpoint a plan, and its own test passes a plan whose source is
not a file: on a resume nothing would be filtered and everything embedded twice. Both are errors.
"""

from ray.data import Dataset
from ray.data._internal.logical.interfaces import LogicalOperator, LogicalPlan
from ray.data._internal.logical.operators import Read, ReadFiles, Write
from ray.data._internal.planner.planner import Planner
from ray.data.checkpoint import CheckpointConfig
from ray.data.datasource.datasink import Datasink
from ray.data.datasource.file_datasink import _FileDatasink  # pyright: ignore[reportPrivateUsage]

from pipelines.places import RunPlaces
from poolscore.errors import FailedPreconditionError

FILTER_MEMORY_BYTES = 256 * 2**20
"""Logical memory of the actor that skips committed rows; Ray's own default is 1 GiB."""


def checkpointing(places: RunPlaces) -> CheckpointConfig:
    """Two-phase commit of every shard, keyed by id.

    The checkpoint outlives the execution: it is what says which shards count until the snapshot
    is registered.
    """
    config = CheckpointConfig(
        id_column="id",
        checkpoint_path=places.checkpoint,
        override_filesystem=places.filesystem,
        delete_checkpoint_on_success=False,
    )
    config.checkpoint_actor_memory_bytes = FILTER_MEMORY_BYTES
    config.checkpoint_actor_pool_max_size = 1
    return config


def check_protected(dataset: Dataset, sink: Datasink[None]) -> None:
    """Raise FailedPreconditionError PLAN_UNPROTECTED unless a resume would repeat nothing."""
    source = dataset._logical_plan.dag  # pyright: ignore[reportPrivateUsage]
    plan = LogicalPlan(Write(sink, input_dependencies=[source]), dataset.context)
    planner = Planner()
    if dataset.context.checkpoint_config is None:
        raise unprotected("checkpointing is off")
    if not planner._check_supports_checkpointing(plan):  # pyright: ignore[reportPrivateUsage]
        raise unprotected("Ray Data does not checkpoint this plan")
    if not _all_from_files(source):
        raise unprotected("a source that is not a file cannot be filtered on a resume")
    if not isinstance(sink, _FileDatasink):
        raise unprotected(f"{type(sink).__name__} has no two-phase commit")


def _all_from_files(operator: LogicalOperator) -> bool:
    if isinstance(operator, Read | ReadFiles):
        return True
    inputs = operator.input_dependencies
    return bool(inputs) and all(_all_from_files(each) for each in inputs)


def unprotected(why: str) -> FailedPreconditionError:
    """The refusal of a plan, by what it lacks."""
    return FailedPreconditionError(
        f"the embedding plan would run without exactly-once protection: {why}",
        reason="PLAN_UNPROTECTED",
    )
