"""Whole embedding runs on a real Ray, with real photographs and broken files."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.resident import resident
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
from poolscore.store.shards import embeddings_from_arrow, read_table
from tests.embedding_world import CONFIG, EmbeddingWorld
from tests.photographs import write_broken, write_photographs
from tests.places_world import Kind

pytestmark = pytest.mark.usefixtures("cluster")


def test_every_input_leaves_one_right_row(tmp_path: Path, encoder: Encoder, kind: Kind) -> None:
    photographs = write_photographs(tmp_path / "images", 24)
    reasons = write_broken(tmp_path / "broken")
    broken = [tmp_path / "broken" / name for name in reasons]
    world = kind.world(encoder.digest)
    kind.put(tmp_path / "images")
    kind.put(tmp_path / "broken")
    twice = photographs[0]
    source = world.list_of([kind.uri(each) for each in [*photographs, *broken, twice]])
    seen: list[RunProgress] = []
    outcome = world.embed(source, on_progress=seen.append)

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
    assert embedded["uri"].to_pylist() == [kind.uri(path) for path in ordered]
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
    held = resident(world.store, world.manifest(outcome.snapshot))
    assert sorted(held.ids.to_pylist()) == sorted(embedded["id"].to_pylist())

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
    tmp_path: Path, encoder: Encoder, kind: Kind
) -> None:
    images = tmp_path / "images"
    write_photographs(images, 8)
    world = kind.world(encoder.digest)
    source = kind.put(images)
    first = world.embed_in_process(source, encoder)

    again = world.embed(source)
    assert not again.changed
    assert again.snapshot == first.snapshot
    assert again.progress.known == 8

    for path in write_photographs(tmp_path / "late", 12)[8:]:
        path.rename(images / path.name)
        kind.put_file(images / path.name)
    second = world.embed(source)
    assert second.changed
    progress = second.progress
    assert (progress.known, progress.new, progress.total, second.snapshot.embedded) == (8, 4, 4, 12)
    assert set(world.manifest(first.snapshot).shards) < set(world.manifest(second.snapshot).shards)
    assert get_pool(world.catalog, "photos").active_snapshot == 2


def test_a_stopped_run_goes_on_where_it_was_with_the_inputs_it_had(
    tmp_path: Path, encoder: Encoder, kind: Kind
) -> None:
    """The list is frozen: what came later is for the next run, what went away is a reject."""
    images = tmp_path / "images"
    paths = write_photographs(images, 48)
    world = kind.world(encoder.digest)
    source = kind.put(images)
    with pytest.raises(AbortedError) as caught:
        world.embed(source, should_stop=lambda: len(world.places().committed()) >= 2)
    assert caught.value.reason == "RUN_STOPPED"
    assert get_run(world.catalog, "photos", 1).state is RunState.CANCELLED
    assert get_pool(world.catalog, "photos").active_snapshot is None
    kept = _times(world, _committed_shards(world))
    assert 2 <= len(kept) < 6

    late = write_photographs(tmp_path / "late", 49)[-1]
    late.rename(images / late.name)
    gone = next(path for path in paths if kind.uri(path) not in _committed_uris(world))
    kind.put_file(images / late.name)
    kind.remove(gone)
    outcome = world.embed(source)
    assert outcome.progress.resumed == 8 * len(kept)
    assert outcome.progress.rejects == {"UNREADABLE": 1}
    assert get_run(world.catalog, "photos", 1).attempts == 2
    assert _times(world, kept) == kept
    assert len(set(world.rows(outcome.snapshot)["id"].to_pylist())) == 48


def _committed_shards(world: EmbeddingWorld) -> list[str]:
    places = world.places()
    return places.shards_of(places.committed())


def _committed_uris(world: EmbeddingWorld) -> set[str]:
    tables = [read_table(world.store[0], path, ["uri"]) for path in _committed_shards(world)]
    return {uri for table in tables for uri in table["uri"].to_pylist()}


def _times(world: EmbeddingWorld, paths: Iterable[str]) -> dict[str, int]:
    return {path: world.store[0].get_file_info(path).mtime_ns for path in paths}


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
        world.embed_in_process(world.list_of(paths), encoder)
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
        world.embed_in_process(world.list_of([*good[:2], *bad]), encoder)
    outcome = world.embed(world.list_of(good))
    assert (outcome.snapshot.embedded, outcome.progress.resumed) == (12, 0)
    assert get_run(world.catalog, "photos", 1).attempts == 2


def _broken(folder: Path) -> list[Path]:
    return [folder / name for name in write_broken(folder)]
