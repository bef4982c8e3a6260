"""Training rounds on real embeddings: labels in, a new version and ranking active."""

from pathlib import Path

import pytest

from pipelines.rescore import rescore_pool
from pipelines.train import train_pool
from poolscore.encoder.encoder import Encoder
from poolscore.errors import FailedPreconditionError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.prompts.artefact import load_prompts
from poolscore.prompts.config import DualPromptConfig
from poolscore.store.files import absolute
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import list_prompt_versions
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import activate, get_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import RunProgress
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_photographs

CONFIG = DualPromptConfig(
    context_length=4, min_steps=4, max_steps=4, warm_start_steps=2, pseudo_per_class=2
)


@pytest.fixture
def world(tmp_path: Path, encoder: Encoder) -> EmbeddingWorld:
    paths = write_photographs(tmp_path / "images", 24)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    world.embed_in_process(world.list_of(paths), encoder)
    return world


def _answer(world: EmbeddingWorld, answers: dict[str, Answer], annotator: str = "ann") -> None:
    inputs = [LabelInput(item, answer, annotator) for item, answer in answers.items()]
    results = record_labels(
        world.catalog, "photos", inputs, None, known_items=lambda ids: [True] * len(ids)
    )
    assert all(result.accepted for result in results), results


def _train(world: EmbeddingWorld, encoder: Encoder, seen: list[RunProgress] | None = None):
    report = (seen if seen is not None else []).append
    return train_pool(world.catalog, world.store, "photos", report, encoder, CONFIG)


def _top(world: EmbeddingWorld, count: int) -> list[str]:
    active = get_pool(world.catalog, "photos").active_ranking
    assert active is not None
    return read_ranking(*world.store, get_ranking(world.catalog, "photos", active)).ids(0, count)


def test_a_round_switches_everything_at_once(world: EmbeddingWorld, encoder: Encoder) -> None:
    one, two, three, *_ = items = _top(world, 24)
    _answer(
        world,
        {one: Label("cat"), two: Candidates(("cat", "rocket")), three: Abstain("blurred")},
    )
    seen: list[RunProgress] = []
    outcome = _train(world, encoder, seen)

    version = outcome.prompt_version
    assert (version.number, version.parent, version.label_watermark, version.label_count) == (
        1,
        0,
        3,
        2,
    )
    assert version.metrics["labels"] == 1
    assert version.metrics["candidates"] == 1
    assert version.metrics["abstains_left_out"] == 1
    assert 1 <= version.metrics["pseudo_labels"] <= 8
    trained, metadata = load_prompts(world.store[0], absolute(world.store[1], version.uri))
    assert trained.config == CONFIG
    assert metadata["pool"] == "photos"

    pool = get_pool(world.catalog, "photos")
    assert (pool.active_snapshot, pool.active_prompt_version, pool.active_ranking) == (1, 1, 2)
    assert sorted(_top(world, 100)) == sorted(set(items) - {one, two, three})
    assert [each.stage for each in outcome.stages] == [
        "collect",
        "train",
        "save",
        "score",
        "rank",
        "activate",
    ]
    assert any(progress.total and progress.done == progress.total for progress in seen)


def test_annotators_of_the_same_images_are_weighed(world: EmbeddingWorld, encoder: Encoder) -> None:
    one, two, three, four, *_ = _top(world, 24)
    _answer(world, {one: Label("cat"), two: Label("cat"), three: Label("rocket"), four: Abstain()})
    _answer(world, {one: Label("cat"), two: Label("rocket"), four: Label("rocket")}, "bob")
    _answer(world, {three: Abstain("blurred")}, "bob")
    version = _train(world, encoder).prompt_version
    assert (version.label_watermark, version.label_count) == (8, 4)
    metrics = version.metrics
    assert (metrics["labels"], metrics["candidates"]) == (3, 1)
    assert (metrics["several_votes"], metrics["conflicts"]) == (2, 1)
    assert metrics["annotator_accuracy/ann"] == pytest.approx(metrics["annotator_accuracy/bob"])


def test_the_same_labels_give_the_same_version(world: EmbeddingWorld, encoder: Encoder) -> None:
    _answer(world, {_top(world, 1)[0]: Label("rocket")})
    first = _train(world, encoder)
    activate(world.catalog, "photos", 1, 0, 1)
    second = _train(world, encoder)
    assert first.prompt_version == second.prompt_version
    assert first.ranking.sha256 == second.ranking.sha256
    assert len(list_prompt_versions(world.catalog, "photos")[0]) == 2


def test_training_without_any_answer_learns_from_pseudo_labels(
    world: EmbeddingWorld, encoder: Encoder
) -> None:
    version = _train(world, encoder).prompt_version
    assert (version.label_count, version.label_watermark) == (0, 0)
    assert version.metrics["pseudo_labels"] > 0


def test_rescoring_an_old_version_is_what_it_was(world: EmbeddingWorld, encoder: Encoder) -> None:
    before = get_ranking(world.catalog, "photos", 1)
    _train(world, encoder)
    outcome = rescore_pool(world.catalog, world.store, "photos", prompt_version=0)
    assert outcome.ranking.sha256 == before.sha256
    pool = get_pool(world.catalog, "photos")
    assert (pool.active_prompt_version, pool.active_ranking) == (0, outcome.ranking.number)


def test_another_strategy_on_request(world: EmbeddingWorld) -> None:
    outcome = rescore_pool(world.catalog, world.store, "photos", strategy="margin")
    assert outcome.ranking.strategy == "margin"


def test_a_pool_without_embeddings(tmp_path: Path, encoder: Encoder) -> None:
    empty = EmbeddingWorld.create(tmp_path / "empty", encoder.digest)
    with pytest.raises(FailedPreconditionError) as caught:
        _train(empty, encoder)
    assert caught.value.reason == "POOL_NOT_EMBEDDED"
    with pytest.raises(FailedPreconditionError):
        rescore_pool(empty.catalog, empty.store, "photos")
