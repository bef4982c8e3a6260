"""The worker actors as the API sees them: which does which runs, and what it can be asked."""

import logging
from typing import cast

import ray

from poolscore.encoder.spec import EncoderSpec
from poolscore.store.records import RunKind
from services.asking import answers, unavailable

NAMESPACE = "poolscore"
"""Ray namespace of the worker actors."""

EMBEDDER = "poolscore-embedder"
TRAINER = "poolscore-trainer"

KINDS: dict[str, tuple[RunKind, ...]] = {
    EMBEDDER: (RunKind.EMBED, RunKind.RESCORE, RunKind.NEIGHBOURS),
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


def resolve_encoder(spec: EncoderSpec) -> tuple[EncoderSpec, str]:
    """Ask the embedder for the digest of an encoder, and for the spec without `auto`.

    It has torch loaded and keeps the encoder for the run that will follow; a replica of the API
    would grow by a gigabyte. Raises what `load_encoder` raises, and UnavailableError
    (WORKER_UNAVAILABLE) while the embedder is being restarted.
    """
    who = f"{EMBEDDER}, which loads encoders"
    try:
        embedder = ray.get_actor(EMBEDDER, namespace=NAMESPACE)
    except ValueError as error:
        raise unavailable(who) from error
    return cast("tuple[EncoderSpec, str]", answers([embedder.resolve_encoder.remote(spec)], who)[0])
