"""Sources that change between two runs, and images in tars and Parquet files; no Ray needed."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.commit import latest_base
from poolscore.encoder.encoder import Encoder
from poolscore.errors import UnavailableError
from poolscore.store.manifest import Manifest
from poolscore.store.records import Snapshot
from poolscore.store.shards import embeddings_from_arrow
from poolscore.store.verify import verify_snapshot
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_photographs
from tests.places_world import Kind


def _by_name(world: EmbeddingWorld, snapshot: Snapshot) -> dict[str, dict[str, object]]:
    return {Path(str(row["uri"])).name: row for row in world.rows(snapshot).to_pylist()}


def _shards(manifest: Manifest) -> set[str]:
    return {shard.path for shard in manifest.shards}


def test_changed_content_replaces_rows_and_missing_images_stay_until_pruned(
    tmp_path: Path, encoder: Encoder, kind: Kind
) -> None:
    images = tmp_path / "images"
    paths = write_photographs(images, 20)
    paths[1].write_bytes(b"no photograph")
    world = kind.world(encoder.digest)
    source = kind.put(images)
    first = world.embed_in_process(source, encoder)
    assert (first.progress.new, first.snapshot.rejected) == (20, 1)
    before = _by_name(world, first.snapshot)

    Image.new("RGB", (64, 48), "red").save(paths[0])
    Image.new("RGB", (48, 64), "blue").save(paths[1])
    kind.put_file(paths[0])
    kind.put_file(paths[1])
    kind.remove(paths[2])
    second = world.embed_in_process(source, encoder)
    progress = second.progress
    assert (progress.known, progress.new, progress.changed, progress.missing) == (17, 0, 2, 1)
    assert (progress.total, second.snapshot.embedded, second.snapshot.rejected) == (2, 20, 0)
    after = _by_name(world, second.snapshot)
    assert set(after) == set(before)
    differing = {name for name in after if after[name] != before[name]}
    assert differing == {paths[0].name, paths[1].name}
    old, new = world.manifest(first.snapshot), world.manifest(second.snapshot)
    assert len(_shards(old) & _shards(new)) == len(old.shards) - 1
    verify_snapshot(*world.store, old)
    verify_snapshot(*world.store, new)

    third = world.embed_in_process(source, encoder, prune=True)
    assert (third.progress.missing, third.progress.total, third.changed) == (1, 0, True)
    assert set(_by_name(world, third.snapshot)) == set(before) - {paths[2].name}
    last = world.embed_in_process(source, encoder)
    assert not last.changed
    assert (last.progress.known, last.progress.missing) == (19, 0)


def test_a_run_that_replaces_rows_and_dies_before_its_manifest_goes_on(
    tmp_path: Path, encoder: Encoder, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    paths = write_photographs(images, 10)
    world = kind.world(encoder.digest)
    source = kind.put(images)
    world.embed_in_process(source, encoder)
    Image.new("RGB", (64, 48), "red").save(paths[0])
    kind.put_file(paths[0])

    def die(*_: object) -> None:
        raise UnavailableError("the store is gone")

    monkeypatch.setattr("pipelines.commit.commit_manifest", die)
    with pytest.raises(UnavailableError):
        world.embed_in_process(source, encoder)
    monkeypatch.undo()
    base = latest_base(world.catalog, world.store, "photos")
    assert base is not None
    assert base[0] == 1
    verify_snapshot(*world.store, base[1])
    outcome = world.embed(source)
    assert (outcome.snapshot.number, outcome.snapshot.embedded) == (2, 10)
    assert (outcome.progress.resumed, outcome.progress.changed) == (1, 1)


def test_images_in_tars_and_parquet_files_are_embedded_as_those_in_files(
    tmp_path: Path, encoder: Encoder, kind: Kind
) -> None:
    paths = write_photographs(tmp_path / "images", 6)
    packed = tmp_path / "packed"
    packed.mkdir()
    for number in range(2):
        with tarfile.open(packed / f"s-{number:03d}.tar", "w") as archive:
            for path in paths[3 * number : 3 * number + 3]:
                archive.add(path, path.name)
                note = tarfile.TarInfo(f"{path.stem}.json")
                note.size = 2
                archive.addfile(note, io.BytesIO(b"{}"))
    table = pa.table({"image": [path.read_bytes() for path in paths]})
    pq.write_table(table, packed / "images.parquet", row_group_size=4)
    world = kind.world(encoder.digest)
    folder = kind.put(packed)
    kind.put(tmp_path / "images")
    rows = [
        world.rows(world.embed_in_process(source, encoder).snapshot)
        for source in (f"{folder}/s-{{000..001}}.tar", f"{folder}/images.parquet")
    ]
    assert (len(rows[0]), len(rows[1])) == (6, 12)
    direct = world.embed_in_process(kind.address(tmp_path / "images"), encoder)
    table = world.rows(direct.snapshot)
    assert table["reject_reason"].null_count == 18
    vectors_ND = embeddings_from_arrow(table["embedding"])
    for digest in set(table["content_hash"].to_pylist()):
        same_ND = vectors_ND[np.array(table["content_hash"].to_pylist()) == digest]
        assert len(same_ND) == 3
        assert np.abs(same_ND.astype(np.float32) - same_ND[0]).max() < 2e-3
    assert world.embed_in_process(folder, encoder).progress.known == 6
