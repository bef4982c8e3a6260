"""What a strategy sees of a pool; of embeddings and labels only what it needs is read."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.embeddings import Float16, Int64, ScoredPool, present, rows_of
from pipelines.places import Store
from pipelines.pool_graph import stored_neighbours
from poolscore.acquisition.build_view import VIEW_NEIGHBOURS, ViewParts
from poolscore.labels.answer import Label
from poolscore.neighbours.among import among
from poolscore.neighbours.lists import Neighbours
from poolscore.prompts.artefact import load_prompts
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import EffectiveLabel
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.records import Pool, PromptVersion


@dataclass(frozen=True)
class ViewSource:
    """A scored pool, and where its prompts are read from."""

    catalog: Catalog
    store: Store
    pool: Pool
    snapshot: int
    prompt_version: int
    scored: ScoredPool

    @cached_property
    def version(self) -> PromptVersion:
        """The prompt version, whose classes the scores are of."""
        return get_prompt_version(self.catalog, self.pool.pool_id, self.prompt_version)

    @cached_property
    def prompts(self) -> PromptFeatures:
        """Text features and adapter of the prompt version."""
        filesystem, root = self.store
        return load_prompts(filesystem, files.absolute(root, self.version.uri))[0].features


def view_parts(source: ViewSource, rows: Int64, labels: list[EffectiveLabel]) -> ViewParts:
    """Return what strategies may see of these rows of the pool and of its labels."""
    scored = source.scored
    return ViewParts(
        ids_N=np.array(scored.ids.take(pa.array(rows)).to_pylist(), dtype=np.str_),
        scores=scored.scores.take(rows),
        classes=source.version.classes,
        prompts=lambda: source.prompts,
        features=lambda some: scored.embeddings.take(rows[some]),
        labeled=lambda: _labeled(source, labels),
        graph=lambda: _graph(source, rows),
    )


def _graph(source: ViewSource, rows: Int64) -> Neighbours | None:
    """The stored neighbours of these rows among each other, where they are enough of them."""
    pool_id, ids = source.pool.pool_id, source.scored.ids
    graph = stored_neighbours(source.catalog, source.store, pool_id, source.snapshot, ids)
    return None if graph is None else among(graph, rows, VIEW_NEIGHBOURS)


def _labeled(
    source: ViewSource, labels: list[EffectiveLabel]
) -> tuple[Float16, npt.NDArray[np.int64]]:
    """Images of the snapshot with one label, by id; candidates and abstentions are no label.

    Nor are classes that the prompt version does not know.
    """
    index = {name: number for number, name in enumerate(source.version.classes)}
    targets = {
        each.item_id: index[each.answer.label]
        for each in labels
        if isinstance(each.answer, Label) and each.answer.label in index
    }
    ids = source.scored.ids
    here = present(ids, sorted(targets))
    features_LD = source.scored.embeddings.take(rows_of(ids, here))
    return features_LD, np.array([targets[item] for item in here], np.int64)
