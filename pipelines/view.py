"""What a strategy sees of a pool; of embeddings and labels only what it needs is read."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.places import Store
from pipelines.scan import ScoredPool, features_by_id
from poolscore.acquisition.base import Need, PoolView
from poolscore.acquisition.build_view import ViewParts, build_view
from poolscore.labels.answer import Label, class_indices
from poolscore.prompts.artefact import load_prompts
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import EffectiveLabel
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.records import Pool
from poolscore.store.snapshots import get_snapshot


@dataclass(frozen=True)
class ViewSource:
    """Where embeddings and prompts are read from."""

    catalog: Catalog
    store: Store
    pool: Pool
    snapshot: int
    prompt_version: int

    @cached_property
    def manifest(self) -> Manifest:
        """Shards of the snapshot."""
        record = get_snapshot(self.catalog, self.pool.pool_id, self.snapshot)
        return load_manifest(*self.store, record.manifest_uri, record.manifest_sha256)

    @cached_property
    def prompts(self) -> PromptFeatures:
        """Text features and adapter of the prompt version."""
        filesystem, root = self.store
        version = get_prompt_version(self.catalog, self.pool.pool_id, self.prompt_version)
        return load_prompts(filesystem, files.absolute(root, version.uri))[0].features


def pool_view(
    source: ViewSource,
    scored: ScoredPool,
    rows: npt.NDArray[np.int64],
    labels: list[EffectiveLabel],
    needs: frozenset[Need],
) -> PoolView:
    """Return these rows of the scored pool with every field that `needs` names."""
    ids = scored.ids.take(pa.array(rows)).to_pylist()
    parts = ViewParts(
        ids_N=np.array(ids, dtype=np.str_),
        scores=scored.scores.take(rows),
        classes=source.pool.classes,
        prompts=lambda: source.prompts,
        features=lambda: features_by_id(source.store, source.manifest, ids),
        labeled=lambda: _labeled(source, scored, labels),
    )
    return build_view(parts, needs)


def _labeled(
    source: ViewSource, scored: ScoredPool, labels: list[EffectiveLabel]
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64]]:
    """Images of the snapshot with one label, by id; candidates and abstentions are no label."""
    targets = {
        each.item_id: class_indices(each.answer, source.pool.classes)[0]
        for each in labels
        if isinstance(each.answer, Label)
    }
    items = pa.array(sorted(targets), pa.string())
    here = items.filter(pc.is_in(items, value_set=scored.ids)).to_pylist()
    features_LD = features_by_id(source.store, source.manifest, here)
    return features_LD, np.array([targets[item] for item in here], np.int64)
