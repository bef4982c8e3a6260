"""A pool on real photographs, and runs on it as a command line does them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config import EmbedConfig
from pipelines.decode_stage import decode_batch
from pipelines.embed import EmbedOutcome, run_embed
from pipelines.encode_stage import EncoderStage
from pipelines.places import RunPlaces, Store
from pipelines.plan import make_plan
from pipelines.session import embed_here
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import PoolscoreError
from poolscore.prompts.trained import zero_shot_prompts
from poolscore.store.catalog import Catalog
from poolscore.store.files import absolute, open_store
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.pools import create_pool
from poolscore.store.records import Run, RunKind, RunProgress, RunState, Snapshot
from poolscore.store.run_queue import begin_run, finish_run
from poolscore.store.shards import shard_schema
from tests.photographs import CLASSES

CONFIG = EmbedConfig(rows_per_shard=8, encode_batch=8, decode_tasks=1, poll_s=0.1)
"""Small shards, so that a small pool has many."""


@dataclass(frozen=True)
class EmbeddingWorld:
    """Catalog, store and the pool `photos`."""

    home: Path
    catalog: Catalog
    store: Store

    @classmethod
    def create(cls, home: Path, digest: str) -> "EmbeddingWorld":
        """A new pool in an empty home, laid out as the command line does."""
        world = cls.open(home)
        create_pool(
            world.catalog, "photos", CLASSES, "a photo of a {}.", EncoderSpec(), digest, "", 0
        )
        return world

    @classmethod
    def open(cls, home: Path) -> "EmbeddingWorld":
        """The home as another process has left it."""
        catalog = Catalog.open(f"sqlite:///{home / 'catalog.db'}")
        return cls(home, catalog, open_store(str(home / "store")))

    def embed(
        self,
        source: Path,
        on_progress: Callable[[RunProgress], None] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
        config: EmbedConfig = CONFIG,
    ) -> EmbedOutcome:
        """Do or go on with the run for this source."""
        return embed_here(
            self.catalog, self.store, "photos", str(source), on_progress, should_stop, config
        )

    def embed_in_process(self, paths: Sequence[Path], encoder: Encoder) -> EmbedOutcome:
        """The whole run without Ray: the same stages, called one after the other."""
        source = self.list_of(paths)
        run = begin_run(self.catalog, "photos", RunKind.EMBED, {"source": str(source)}, "test")
        try:
            outcome = self._embed_in_process(source, run, encoder)
        except PoolscoreError as error:
            finish_run(self.catalog, run, "test", RunState.FAILED, error.message)
            raise
        finish_run(self.catalog, run, "test", RunState.SUCCEEDED)
        return outcome

    def list_of(self, paths: Sequence[Path]) -> Path:
        """The list of these images; the same file every time."""
        source = self.home / "list.csv"
        source.write_text("\n".join(["path", *map(str, paths)]))
        return source

    def _embed_in_process(self, source: Path, run: Run, encoder: Encoder) -> EmbedOutcome:
        places, digest = self.places(run.number), encoder.digest
        make_plan(places, str(source), [], shard_schema(encoder.dim, digest))
        zero = zero_shot_prompts(encoder.zero_shot(CLASSES, "a photo of a {}."), encoder.scale)
        stage = EncoderStage(EncoderSpec(), digest, zero.features, CONFIG)
        inputs = pq.read_table(places.inputs)
        for number, start in enumerate(range(0, inputs.num_rows, CONFIG.rows_per_shard)):
            batch = inputs.slice(start, CONFIG.rows_per_shard)
            rows = stage(decode_batch(batch, encoder.preprocessing.geometry, CONFIG.limits))
            Path(places.shards).mkdir(exist_ok=True)
            Path(places.checkpoint).mkdir(exist_ok=True)
            pq.write_table(rows, f"{places.shards}/run_{number}-0.parquet")
            pq.write_table(batch.select(["id"]), f"{places.checkpoint}/run_{number}.parquet")
        return run_embed(
            self.catalog,
            self.store,
            "photos",
            str(source),
            run,
            lambda _: None,
            lambda: False,
            CONFIG,
            encoder,
        )

    def places(self, run: int = 1) -> RunPlaces:
        """Where a run keeps its files."""
        return RunPlaces.of(self.store, "photos", run)

    def manifest(self, snapshot: Snapshot) -> Manifest:
        """What a snapshot consists of."""
        return load_manifest(*self.store, snapshot.manifest_uri, snapshot.manifest_sha256)

    def rows(self, snapshot: Snapshot) -> pa.Table:
        """All rows of a snapshot, by URI."""
        paths = [absolute(self.store[1], each.path) for each in self.manifest(snapshot).shards]
        return pa.concat_tables([pq.read_table(path) for path in paths]).sort_by("uri")
