"""What a strategy sees of a pool; of embeddings and labels only what it needs is read."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.places import Store
from pipelines.scan import ScoredPool, features_by_id, take_scores
from poolscore.acquisition.base import Labeled, Need, PoolView
from poolscore.acquisition.neighbours import nearest_neighbours
from poolscore.labels.answer import Label, class_indices
from poolscore.prompts.artefact import load_prompts
from poolscore.scoring.folding import linear_classifier
from poolscore.scoring.probabilities import class_probabilities
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

    def manifest(self) -> Manifest:
        """Shards of the snapshot."""
        record = get_snapshot(self.catalog, self.pool.pool_id, self.snapshot)
        return load_manifest(*self.store, record.manifest_uri, record.manifest_sha256)

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
    """Return these rows of the scored pool with every field that `needs` names.

    Embeddings are held whole where they are needed (2 N D bytes), and so are probabilities
    (4 N C bytes); the neighbour graph is exact and costs N^2 D.
    """
    ids = scored.ids.take(pa.array(rows)).to_pylist()
    view = PoolView(
        ids=np.array(ids, dtype=np.str_),
        scores=take_scores(scored.scores, rows),
        classes=source.pool.classes,
    )
    if not needs:
        return view
    manifest, prompts = source.manifest(), source.prompts()
    if needs & {Need.FEATURES, Need.PROBABILITIES, Need.NEIGHBOURS}:
        view = replace(view, features_ND=features_by_id(source.store, manifest, ids))
    if Need.PROBABILITIES in needs and view.features_ND is not None:
        view = replace(view, probabilities_NC=class_probabilities(view.features_ND, prompts))
    if Need.NEIGHBOURS in needs and view.features_ND is not None:
        view = replace(view, neighbours=nearest_neighbours(view.features_ND))
    if Need.LABELED in needs:
        view = replace(view, labeled=_labeled(source, manifest, prompts, scored, labels))
    if Need.TEXT in needs:
        view = replace(
            view,
            text_CD=prompts.positive_CD.float().numpy(),
            classifier_CD=linear_classifier(prompts).numpy(),
        )
    return view


def _labeled(
    source: ViewSource,
    manifest: Manifest,
    prompts: PromptFeatures,
    scored: ScoredPool,
    labels: list[EffectiveLabel],
) -> Labeled:
    """Images of the snapshot with one label, by id; candidates and abstentions are no label."""
    targets = {
        each.item_id: class_indices(each.answer, source.pool.classes)[0]
        for each in labels
        if isinstance(each.answer, Label)
    }
    items = pa.array(sorted(targets), pa.string())
    here = items.filter(pc.is_in(items, value_set=scored.ids)).to_pylist()
    features_LD = features_by_id(source.store, manifest, here)
    return Labeled(
        features_LD=features_LD,
        targets_L=np.array([targets[item] for item in here], np.int64),
        probabilities_LC=class_probabilities(features_LD, prompts),
    )
