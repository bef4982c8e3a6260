"""Which worker actor does which runs, and how it hears of one."""

import logging

import ray

from poolscore.store.records import RunKind

NAMESPACE = "poolscore"
"""Ray namespace of the worker actors."""

EMBEDDER = "poolscore-embedder"
TRAINER = "poolscore-trainer"

KINDS: dict[str, tuple[RunKind, ...]] = {
    EMBEDDER: (RunKind.EMBED, RunKind.RESCORE),
    TRAINER: (RunKind.TRAIN,),
}
"""Kinds of runs by the name of the actor that does them."""

_log = logging.getLogger(__name__)


def wake_worker(kind: RunKind) -> None:
    """Tell the worker of this kind that a run waits."""
    for name, kinds in KINDS.items():
        if kind not in kinds:
            continue
        try:
            ray.get_actor(name, namespace=NAMESPACE).wake.remote()
        except ValueError:
            # It is not there yet, or being restarted; it looks by itself when it is back.
            _log.info("%s is not there to be woken", name)
