"""A pool on real photographs, and runs on it as a command line does them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.commit import latest_base
from pipelines.config import EmbedConfig
from pipelines.decode_stage import decode_batch
from pipelines.embed import EmbedOutcome, run_embed
from pipelines.embed_spec import embed_spec
from pipelines.encode_stage import EncoderStage
from pipelines.places import RunPlaces, Store
from pipelines.plan import make_plan
from pipelines.session import embed_here
from pipelines.sources.resolve import check_sources
from pipelines.sources.schemas import INPUT_SCHEMA
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import PoolscoreError
from poolscore.prompts.trained import zero_shot_prompts
from poolscore.store.catalog import Catalog
from poolscore.store.files import absolute, atomic_stream, open_store
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
    def create(cls, home: Path, digest: str, store_uri: str = "") -> "EmbeddingWorld":
        """A new pool in an empty home, laid out as the command line does."""
        world = cls.open(home, store_uri)
        create_pool(
            world.catalog, "photos", CLASSES, "a photo of a {}.", EncoderSpec(), digest, "", 0
        )
        return world

    @classmethod
    def open(cls, home: Path, store_uri: str = "") -> "EmbeddingWorld":
        """The home as another process has left it; without an address the store is in it."""
        catalog = Catalog.open(f"sqlite:///{home / 'catalog.db'}")
        return cls(home, catalog, open_store(store_uri or str(home / "store")))

    def embed(
        self,
        *sources: str | Path,
        on_progress: Callable[[RunProgress], None] = lambda _: None,
        should_stop: Callable[[], bool] = lambda: False,
        config: EmbedConfig = CONFIG,
        prune: bool = False,
    ) -> EmbedOutcome:
        """Do or go on with the run for these sources."""
        return embed_here(
            self.catalog,
            self.store,
            "photos",
            [str(source) for source in sources],
            on_progress,
            should_stop,
            config,
            prune=prune,
        )

    def embed_in_process(
        self, source: str | Path, encoder: Encoder, *, prune: bool = False
    ) -> EmbedOutcome:
        """The whole run without Ray: the same stages, called one after the other."""
        spec = embed_spec([str(source)], prune)
        run = begin_run(self.catalog, "photos", RunKind.EMBED, spec, "test")
        try:
            outcome = self._embed_in_process(str(source), run, encoder, prune)
        except PoolscoreError as error:
            finish_run(self.catalog, run, "test", RunState.FAILED, error.message)
            raise
        finish_run(self.catalog, run, "test", RunState.SUCCEEDED)
        return outcome

    def list_of(self, paths: Sequence[str | Path]) -> Path:
        """The list of these images; the same file every time."""
        source = self.home / "list.csv"
        source.write_text("\n".join(["path", *map(str, paths)]))
        return source

    def _embed_in_process(
        self, source: str, run: Run, encoder: Encoder, prune: bool
    ) -> EmbedOutcome:
        places, digest = RunPlaces.claim(self.store, run), encoder.digest
        schema = shard_schema(encoder.dim, digest)
        base = latest_base(self.catalog, self.store, "photos")
        plan = make_plan(places, self.store, check_sources([source]), base, schema, prune)
        zero = zero_shot_prompts(encoder.zero_shot(CLASSES, "a photo of a {}."), encoder.scale)
        stage = EncoderStage(EncoderSpec(), digest, zero.features, CONFIG)
        inputs = INPUT_SCHEMA.empty_table()
        if plan.inputs:
            inputs = pq.read_table(places.inputs, filesystem=places.filesystem)
        for number, start in enumerate(range(0, len(inputs), CONFIG.rows_per_shard)):
            batch = inputs.slice(start, CONFIG.rows_per_shard)
            rows = stage(decode_batch(batch, encoder.preprocessing.geometry, CONFIG.limits))
            self._write(rows, f"{places.shards}/run_{number}-0.parquet")
            self._write(batch.select(["id"]), f"{places.checkpoint}/run_{number}.parquet")
        return run_embed(
            self.catalog,
            self.store,
            "photos",
            [source],
            run,
            lambda _: None,
            lambda: False,
            CONFIG,
            encoder,
            prune=prune,
        )

    def _write(self, table: pa.Table, path: str) -> None:
        with atomic_stream(self.store[0], path) as file:
            pq.write_table(table, file)

    def places(self, run: int = 1) -> RunPlaces:
        """Where a run keeps its files."""
        return RunPlaces.of(self.store, "photos", run)

    def manifest(self, snapshot: Snapshot) -> Manifest:
        """What a snapshot consists of."""
        return load_manifest(*self.store, snapshot.manifest_uri, snapshot.manifest_sha256)

    def rows(self, snapshot: Snapshot) -> pa.Table:
        """All rows of a snapshot, by URI."""
        paths = [absolute(self.store[1], each.path) for each in self.manifest(snapshot).shards]
        tables = [pq.read_table(path, filesystem=self.store[0]) for path in paths]
        return pa.concat_tables(tables).sort_by("uri")
