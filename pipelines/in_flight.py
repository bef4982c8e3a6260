"""Bounds what a killed run repeats: blocks that are encoded, or being encoded, and not committed.

Ray Data lets an operator run ahead of the next one as long as memory allows. Here that is work
which is lost when the run is killed: 3.4 blocks for two encoders were seen, and more while the
first writers start.
"""

from ray.data import DataContext
from ray.data._internal.execution.backpressure_policy import (
    ENABLED_BACKPRESSURE_POLICIES,
    ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY,
)
from ray.data._internal.execution.backpressure_policy.backpressure_policy import BackpressurePolicy
from ray.data._internal.execution.backpressure_policy.resource_budget_backpressure_policy import (
    ResourceBudgetBackpressurePolicy,
)
from ray.data._internal.execution.interfaces import PhysicalOperator
from ray.data._internal.execution.resource_manager import ResourceManager
from ray.data._internal.execution.streaming_executor_state import Topology

from pipelines.protection import unprotected

_LIMIT = "poolscore.blocks_in_flight"
_WRITE = "Write"
"""Ray Data's name of the operator that commits blocks."""


class WriteFreely(ResourceBudgetBackpressurePolicy):
    """Ray Data's budget of resources for all but writers, of which there are few.

    Where it stops the writers, and everything else waits for them, Ray Data lets any operator run
    whatever the other policies say: five blocks were seen where two were allowed.
    """

    def can_add_input(self, op: PhysicalOperator) -> bool:
        """Whether the operator may take a block."""
        return op.name == _WRITE or super().can_add_input(op)


class CommitFirst(BackpressurePolicy):
    """Gives the encoders no further block while too many are not committed."""

    def __init__(
        self, data_context: DataContext, topology: Topology, resource_manager: ResourceManager
    ) -> None:
        """Find encoders and writers; FailedPreconditionError PLAN_UNPROTECTED without them.

        Ray Data reads the checkpoint in an execution of another context.
        """
        super().__init__(data_context, topology, resource_manager)
        self._limit: int = data_context.get_config(_LIMIT)
        write = next((each for each in topology if each.name == _WRITE), None)
        if write is None:
            raise unprotected(f"without an operator {_WRITE} nothing bounds what a kill repeats")
        self._write, self._encode = write, write.input_dependencies[0]

    def can_add_input(self, op: PhysicalOperator) -> bool:
        """Whether the operator may take a block."""
        if op is not self._encode:
            return True
        encode, write = self._topology[op], self._topology[self._write]
        # What left the one waits in a queue that both count.
        waiting = encode.total_enqueued_output_blocks() + write.total_enqueued_input_blocks()
        waiting -= encode.output_queue.num_blocks
        return waiting + op.num_active_tasks() + write.op.num_active_tasks() < self._limit


def bound_in_flight(context: DataContext, blocks: int) -> None:
    """Let so many blocks at most be encoded and not committed in executions of this context."""
    others = [
        each
        for each in ENABLED_BACKPRESSURE_POLICIES
        if each is not ResourceBudgetBackpressurePolicy
    ]
    policies = [*others, WriteFreely, CommitFirst]
    context.set_config(ENABLED_BACKPRESSURE_POLICIES_CONFIG_KEY, policies)
    context.set_config(_LIMIT, blocks)
