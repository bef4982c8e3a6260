"""The prompts a pool is scored by: the active version, or zero-shot text before there is one."""

from pipelines.places import Store
from poolscore.encoder.encoder import Encoder
from poolscore.prompts.artefact import load_prompts, save_prompts
from poolscore.prompts.trained import TrainedPrompts, zero_shot_prompts
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import add_prompt_version, get_prompt_version
from poolscore.store.records import Pool


def prompts_in_force(
    catalog: Catalog, store: Store, pool: Pool, encoder: Encoder
) -> tuple[TrainedPrompts | None, PromptFeatures]:
    """Features to score by; the first part is not None while version 0 is still to be made."""
    if pool.active_prompt_version is None:
        zero = zero_shot_prompts(encoder.zero_shot(pool.classes, pool.template), encoder.scale)
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
    filesystem, root = store
    digest, path = save_prompts(
        filesystem,
        files.prompts_dir(root, pool.pool_id),
        zero,
        {"pool": pool.pool_id, "encoder": pool.encoder_digest, "template": pool.template},
    )
    uri = files.relative(root, path)
    return add_prompt_version(catalog, pool.pool_id, digest, uri, 0, 0, None, {}).number
