"""Whole embedding runs on a real Ray, with real photographs and broken files."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.errors import AbortedError, FailedPreconditionError
from poolscore.prompts.artefact import load_prompts
from poolscore.scoring.kernel import score
from poolscore.store.files import absolute
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.records import RunProgress, RunState
from poolscore.store.runs import get_run
from poolscore.store.shards import embeddings_from_arrow
from tests.embedding_world import CONFIG, EmbeddingWorld
from tests.photographs import write_broken, write_photographs

pytestmark = pytest.mark.usefixtures("cluster")


def _list(folder: Path, paths: list[Path]) -> Path:
    path = folder / "list.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["path"], *([str(each)] for each in paths)])
    return path


def test_every_input_leaves_one_right_row(tmp_path: Path, encoder: Encoder) -> None:
    photographs = write_photographs(tmp_path / "images", 24)
    reasons = write_broken(tmp_path / "broken")
    broken = [tmp_path / "broken" / name for name in reasons]
    twice = photographs[0]
    source = _list(tmp_path, [*photographs, *broken, twice])
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    seen: list[RunProgress] = []
    outcome = world.embed(source, seen.append)

    table = world.rows(outcome.snapshot)
    assert len(set(table["id"].to_pylist())) == table.num_rows == 24 + len(reasons) + 1
    expected = Counter([*reasons.values(), "DUPLICATE_ID"])
    assert Counter(each for each in table["reject_reason"].to_pylist() if each) == expected
    assert world.manifest(outcome.snapshot).rejects == expected
    by_name = {
        Path(uri).name: reason
        for uri, reason in zip(
            table["uri"].to_pylist(), table["reject_reason"].to_pylist(), strict=True
        )
    }
    assert {name: by_name[name] for name in reasons} == reasons

    embedded = table.filter(table["embedding"].is_valid())
    ordered = sorted(photographs, key=Path.as_uri)
    assert embedded["uri"].to_pylist() == [path.as_uri() for path in ordered]
    pixels = [encoder.preprocess(Image.open(path)) for path in ordered]
    direct = encoder.encode_images(np.stack(pixels))
    stored = embeddings_from_arrow(embedded["embedding"])
    assert np.abs(stored.astype(np.float32) - direct).max() < 5e-3
    version = get_prompt_version(world.catalog, "photos", 0)
    prompts, _ = load_prompts(world.store[0], absolute(world.store[1], version.uri))
    scores = score(stored, prompts.features)
    assert embedded["predicted"].to_pylist() == scores.predicted.tolist()
    assert np.allclose(embedded["p_clean"].to_numpy(), scores.p_clean, atol=1e-3)

    pool = get_pool(world.catalog, "photos")
    assert (pool.active_snapshot, pool.active_prompt_version, pool.active_ranking) == (1, 0, 1)
    assert (pool.counts.embedded, pool.counts.rejected) == (24, len(reasons) + 1)
    ranking = read_ranking(*world.store, get_ranking(world.catalog, "photos", 1))
    assert sorted(ranking.ids(0, 100)) == sorted(embedded["id"].to_pylist())

    assert seen[-1].done == seen[-1].total == table.num_rows
    assert seen[-1].rejects == expected
    run = get_run(world.catalog, "photos", 1)
    assert (run.state, run.snapshot, run.prompt_version, run.ranking) == (
        RunState.SUCCEEDED,
        1,
        0,
        1,
    )
    assert {"list", "embed", "commit", "score", "rank"} <= {each.stage for each in run.stages}


def test_only_what_is_new_is_embedded_and_old_shards_are_shared(
    tmp_path: Path, encoder: Encoder
) -> None:
    paths = write_photographs(tmp_path / "images", 12)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    first = world.embed_in_process(paths[:8], encoder)

    again = world.embed(world.list_of(paths[:8]))
    assert not again.changed
    assert again.snapshot == first.snapshot
    assert again.known == 8

    second = world.embed(world.list_of(paths))
    assert second.changed
    assert (second.known, second.progress.total, second.snapshot.embedded) == (8, 4, 12)
    assert set(world.manifest(first.snapshot).shards) < set(world.manifest(second.snapshot).shards)
    assert get_pool(world.catalog, "photos").active_snapshot == 2


def test_a_stopped_run_goes_on_where_it_was_with_the_inputs_it_had(
    tmp_path: Path, encoder: Encoder
) -> None:
    """The list is frozen: what came later is for the next run, what went away is a reject."""
    images = tmp_path / "images"
    paths = write_photographs(images, 48)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    with pytest.raises(AbortedError) as caught:
        world.embed(images, should_stop=lambda: len(world.places().committed()) >= 2)
    assert caught.value.reason == "RUN_STOPPED"
    assert get_run(world.catalog, "photos", 1).state is RunState.CANCELLED
    assert get_pool(world.catalog, "photos").active_snapshot is None
    kept = {path: Path(path).stat().st_mtime_ns for path in _committed_shards(world)}
    assert 2 <= len(kept) < 6

    write_photographs(images, 49)
    gone = next(path for path in paths if path.as_uri() not in _committed_uris(world))
    gone.unlink()
    outcome = world.embed(images)
    assert outcome.progress.resumed == 8 * len(kept)
    assert outcome.progress.rejects == {"UNREADABLE": 1}
    assert get_run(world.catalog, "photos", 1).attempts == 2
    assert {path: Path(path).stat().st_mtime_ns for path in kept} == kept
    assert len(set(world.rows(outcome.snapshot)["id"].to_pylist())) == 48


def _committed_shards(world: EmbeddingWorld) -> list[str]:
    places = world.places()
    return places.shards_of(places.committed())


def _committed_uris(world: EmbeddingWorld) -> set[str]:
    return {
        uri for path in _committed_shards(world) for uri in pq.read_table(path)["uri"].to_pylist()
    }


def test_an_encoder_that_is_another_one_is_refused(tmp_path: Path) -> None:
    write_photographs(tmp_path / "images", 1)
    world = EmbeddingWorld.create(tmp_path / "home", "0" * 64)
    with pytest.raises(FailedPreconditionError) as caught:
        world.embed(tmp_path / "images")
    assert caught.value.reason == "ENCODER_CHANGED"
    assert get_run(world.catalog, "photos", 1).state is RunState.FAILED


def test_a_run_with_too_many_rejects_is_kept_and_goes_on_with_a_higher_limit(
    tmp_path: Path, encoder: Encoder
) -> None:
    paths = [*write_photographs(tmp_path / "images", 2), *_broken(tmp_path / "images")]
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    with pytest.raises(FailedPreconditionError) as caught:
        world.embed_in_process(paths, encoder)
    assert caught.value.reason == "TOO_MANY_REJECTS"
    assert get_pool(world.catalog, "photos").active_snapshot is None
    lenient = replace(CONFIG, max_reject_ratio=1.0)
    outcome = world.embed(world.list_of(paths), config=lenient)
    assert (outcome.snapshot.embedded, outcome.snapshot.rejected) == (2, 6)
    assert outcome.progress.resumed == 8


def test_a_mended_source_is_read_again_after_too_many_rejects(
    tmp_path: Path, encoder: Encoder
) -> None:
    good, bad = write_photographs(tmp_path / "images", 12), _broken(tmp_path / "images")
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    with pytest.raises(FailedPreconditionError):
        world.embed_in_process([*good[:2], *bad], encoder)
    outcome = world.embed(world.list_of(good))
    assert (outcome.snapshot.embedded, outcome.progress.resumed) == (12, 0)
    assert get_run(world.catalog, "photos", 1).attempts == 2


def _broken(folder: Path) -> list[Path]:
    return [folder / name for name in write_broken(folder)]
