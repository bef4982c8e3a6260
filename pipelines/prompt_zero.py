"""The prompts a pool is scored by: the active version, or zero-shot text before there is one.

Zero-shot text takes over again when the classes of the pool have changed.
"""

from collections.abc import Callable

from pipelines.encode_stage import check_digest
from pipelines.places import Store
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.prompts.artefact import load_prompts, save_prompts
from poolscore.prompts.trained import TrainedPrompts, zero_shot_prompts
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import (
    add_prompt_version,
    get_prompt_version,
    zero_shot_version,
)
from poolscore.store.records import Pool


def prompts_in_force(
    catalog: Catalog, store: Store, pool: Pool, encoder: Encoder
) -> tuple[TrainedPrompts | None, PromptFeatures]:
    """Features to score by; the first part is not None while version 0 is still to be made."""
    if pool.active_prompt_version is None:
        zero = _zero_shot(pool, encoder)
        return zero, zero.features
    filesystem, root = store
    version = get_prompt_version(catalog, pool.pool_id, pool.active_prompt_version)
    return None, load_prompts(filesystem, files.absolute(root, version.uri))[0].features


def register_prompt_zero(
    catalog: Catalog, store: Store, pool: Pool, zero: TrainedPrompts | None
) -> int:
    """Save and register prompt version 0 when it is still to be made; returns the version."""
    if zero is None:
        assert pool.active_prompt_version is not None
        return pool.active_prompt_version
    return _register(catalog, store, pool, zero)


def version_for_classes(
    catalog: Catalog, store: Store, pool: Pool, encoder: Callable[[], Encoder] | None = None
) -> int:
    """The active version, or a zero-shot one when that was made for other classes than the pool's.

    Makes the zero-shot version if the classes never had one, with `encoder`, which is loaded
    unless it is given.
    """
    active = pool.active_prompt_version
    if active is not None:
        version = get_prompt_version(catalog, pool.pool_id, active)
        if version.classes == pool.classes:
            return active
    return zero_for_classes(catalog, store, pool, encoder)


def zero_for_classes(
    catalog: Catalog, store: Store, pool: Pool, encoder: Callable[[], Encoder] | None = None
) -> int:
    """The zero-shot version for the pool's classes, made if there is none (`version_for_classes`).

    Raises what `load_encoder` raises, FailedPreconditionError ENCODER_CHANGED.
    """
    earlier = zero_shot_version(catalog, pool.pool_id, pool.classes)
    if earlier is not None:
        return earlier.number
    loaded = load_encoder(pool.encoder) if encoder is None else encoder()
    check_digest(pool.encoder_digest, loaded.digest)
    return _register(catalog, store, pool, _zero_shot(pool, loaded))


def _zero_shot(pool: Pool, encoder: Encoder) -> TrainedPrompts:
    return zero_shot_prompts(encoder.zero_shot(pool.classes, pool.template), encoder.scale)


def _register(catalog: Catalog, store: Store, pool: Pool, zero: TrainedPrompts) -> int:
    filesystem, root = store
    digest, path = save_prompts(
        filesystem,
        files.prompts_dir(root, pool.pool_id),
        zero,
        {
            "pool": pool.pool_id,
            "encoder": pool.encoder_digest,
            "template": pool.template,
            "classes": list(pool.classes),
        },
    )
    uri = files.relative(root, path)
    version = add_prompt_version(catalog, pool.pool_id, digest, uri, 0, 0, None, {}, pool.classes)
    return version.number
