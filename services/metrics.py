"""What the API and the workers count while they work; Ray collects it from all processes."""

import os
from collections import Counter
from collections.abc import Iterable

from pipelines.ray_metrics import add, observe, show
from poolscore.metric import counter, gauge, histogram

RPCS = counter(
    "poolscore_rpcs_total", "Calls that have ended, by method and gRPC code.", "method", "code"
)
RPC_SECONDS = histogram(
    "poolscore_rpc_duration_seconds",
    "Time from a call's arrival at an API replica to its end; watching streams last as long as "
    "somebody watches.",
    (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    "method",
)
RPCS_IN_FLIGHT = gauge(
    "poolscore_rpcs_in_flight",
    "Calls that an API replica is answering, by the id of its process; sum over them.",
    "pid",
)
RPCS_LIMITED = counter(
    "poolscore_rpcs_limited_total",
    "Calls that a limit has refused (RESOURCE_EXHAUSTED), by reason: `TOO_MANY_CALLS`, "
    "`RATE_EXCEEDED`, ...",
    "reason",
)
LEASES = counter("poolscore_leases_total", "Batches given to annotators; repeated requests too.")
LEASED_ITEMS = counter("poolscore_leased_items_total", "Images in these batches.")
LABELS = counter(
    "poolscore_labels_total",
    "Answers that callers sent, by kind (`label`, `candidates`, `abstain`, `retraction`, `none` "
    "for an empty one) and result (`accepted`, `refused`); accepted also what is in force already.",
    "kind",
    "result",
)
TRAININGS = counter(
    "poolscore_trainings_total",
    "Training runs that have ended, by outcome: `promoted`, `refused`, `failed`, `cancelled`.",
    "outcome",
)
RUNS = counter(
    "poolscore_runs_total",
    "Runs that workers of the service have ended, by kind and state (as of poolscore_pool_runs).",
    "kind",
    "state",
)
RUN_SECONDS = histogram(
    "poolscore_run_duration_seconds",
    "Time that these runs took, without waiting and earlier attempts.",
    (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0),
    "kind",
)

SERVICE_METRICS = (
    RPCS,
    RPC_SECONDS,
    RPCS_IN_FLIGHT,
    RPCS_LIMITED,
    LEASES,
    LEASED_ITEMS,
    LABELS,
    TRAININGS,
    RUNS,
    RUN_SECONDS,
)


class RpcMeter:
    """Measures the calls of one replica; for one event loop."""

    def __init__(self) -> None:
        """No call is in flight."""
        self._running = 0
        self._pid = str(os.getpid())

    def begin(self) -> None:
        """Count a call that begins."""
        self._running += 1
        show(RPCS_IN_FLIGHT, self._running, pid=self._pid)

    def end(self, method: str, code: str, reason: str, seconds: float) -> None:
        """Count one that has ended; `reason` is that of its error."""
        self._running -= 1
        show(RPCS_IN_FLIGHT, self._running, pid=self._pid)
        add(RPCS, method=method, code=code)
        observe(RPC_SECONDS, seconds, method=method)
        if code == "RESOURCE_EXHAUSTED":
            add(RPCS_LIMITED, reason=reason)


def count_lease(items: int) -> None:
    """Count a batch of so many items."""
    add(LEASES, 1)
    add(LEASED_ITEMS, items)


def count_labels(answers: Iterable[tuple[str, bool]]) -> None:
    """Count answers: the kind of each, and whether it was accepted."""
    for (kind, accepted), count in Counter(answers).items():
        add(LABELS, count, kind=kind, result="accepted" if accepted else "refused")


def count_run(kind: str, state: str, seconds: float, *, promoted: bool | None) -> None:
    """Count a run that has ended; `promoted` says what became of a training's version."""
    add(RUNS, 1, kind=kind, state=state)
    observe(RUN_SECONDS, seconds, kind=kind)
    if kind == "train":
        outcome = state if promoted is None else "promoted" if promoted else "refused"
        add(TRAININGS, 1, outcome=outcome)
