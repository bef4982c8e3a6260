"""Training rounds on real embeddings: labels in, a new version and ranking active."""

from pathlib import Path

import pytest

from pipelines.rescore import rescore_pool
from pipelines.train import TrainOutcome, train_pool
from poolscore.encoder.encoder import Encoder
from poolscore.errors import FailedPreconditionError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.prompts.artefact import load_prompts
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.held_out import in_share
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.files import absolute
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version, list_prompt_versions
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import activate, get_ranking, latest_ranking_of
from poolscore.store.record_labels import record_labels
from poolscore.store.records import RunKind, RunProgress
from poolscore.store.run_queue import begin_run, claim_run
from tests.embedding_world import EmbeddingWorld
from tests.photographs import CLASSES, write_photographs

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
        "compare",
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


def test_an_attempt_after_the_version_was_registered_trains_nothing(
    world: EmbeddingWorld, encoder: Encoder
) -> None:
    """The trainer was killed after the switch and before it could say that the run has ended."""
    _answer(world, {_top(world, 1)[0]: Label("rocket")})
    outcomes: list[TrainOutcome] = []
    run = begin_run(world.catalog, "photos", RunKind.TRAIN, {}, "trainer")
    for _ in range(2):
        outcomes.append(
            train_pool(
                world.catalog, world.store, "photos", lambda _: None, encoder, CONFIG, run=run
            )
        )
        again = claim_run(world.catalog, [RunKind.TRAIN], "trainer")
        assert again is not None
        run = again
    first, second = outcomes
    assert first.prompt_version == second.prompt_version
    assert [each.stage for each in second.stages] == ["score", "rank", "activate"]
    assert len(list_prompt_versions(world.catalog, "photos")[0]) == 2
    pool = get_pool(world.catalog, "photos")
    assert (pool.active_prompt_version, pool.active_ranking) == (1, second.ranking.number)


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
    before = get_pool(world.catalog, "photos")
    outcome = rescore_pool(world.catalog, world.store, "photos", strategy="margin")
    assert outcome.ranking.strategy == "margin"
    assert get_pool(world.catalog, "photos") == before


def test_a_version_that_is_worse_on_held_out_labels_does_not_take_over(
    tmp_path: Path, encoder: Encoder
) -> None:
    """Held-out answers repeat what zero-shot says; the others teach that everything is a cat."""
    paths = write_photographs(tmp_path / "images", 40)
    world = EmbeddingWorld.create(tmp_path / "home", encoder.digest)
    source = tmp_path / "named.csv"
    source.write_text("\n".join(["id,path", *(f"{path.name},{path}" for path in paths)]))
    world.embed_in_process(source, encoder)
    zero = get_ranking(world.catalog, "photos", 1)
    rows = read_ranking(*world.store, zero)
    items = rows.items(range(len(rows)))
    held = {
        item.item_id: CLASSES[item.prediction.predicted]
        for item, is_held in zip(items, in_share([i.item_id for i in items], 0.5), strict=True)
        if is_held
    }
    answers: dict[str, Answer] = {
        item.item_id: Label(held.get(item.item_id, "cat")) for item in items
    }
    _answer(world, answers)
    config = DualPromptConfig(
        context_length=4,
        warm_start_steps=2,
        min_steps=60,
        max_steps=60,
        held_out_share=0.5,
        held_out_least=10,
    )
    before = get_pool(world.catalog, "photos")
    outcome = train_pool(world.catalog, world.store, "photos", lambda _: None, encoder, config)
    version, promotion = outcome.prompt_version, outcome.prompt_version.promotion
    assert promotion is not None
    assert (promotion.held_out, promotion.active_accuracy) == (len(held), 1.0)
    assert not promotion.promoted, promotion
    assert promotion.reason.startswith("refused: ")
    assert version.label_count == len(items) - len(held)
    assert version.metrics["held_out"] == len(held)
    assert version.metrics["held_out_accuracy"] == promotion.accuracy
    assert 0 < version.metrics["changed_predictions"] <= 1
    after = get_pool(world.catalog, "photos")
    assert after == before
    # It is ranked, so that somebody who knows better can activate it.
    assert latest_ranking_of(world.catalog, "photos", version.number, 1) == outcome.ranking
    assert "activate" not in [each.stage for each in outcome.stages]


def test_a_pool_without_embeddings(tmp_path: Path, encoder: Encoder) -> None:
    empty = EmbeddingWorld.create(tmp_path / "empty", encoder.digest)
    with pytest.raises(FailedPreconditionError) as caught:
        _train(empty, encoder)
    assert caught.value.reason == "POOL_NOT_EMBEDDED"
    with pytest.raises(FailedPreconditionError):
        rescore_pool(empty.catalog, empty.store, "photos")


def _predicted(world: EmbeddingWorld) -> set[int]:
    active = get_pool(world.catalog, "photos").active_ranking
    assert active is not None
    ranking = read_ranking(*world.store, get_ranking(world.catalog, "photos", active))
    return {each.prediction.predicted for each in ranking.items(range(len(ranking)))}


def test_new_classes_are_ranked_by_zero_shot_prompts_and_then_trained(
    world: EmbeddingWorld, encoder: Encoder
) -> None:
    catalog, store = world.catalog, world.store
    old = get_pool(catalog, "photos").classes
    _answer(world, {_top(world, 1)[0]: Label(old[0])})
    _train(world, encoder)
    new = (*old, "surface of the moon", "wall of bricks")
    update_pool(catalog, "photos", PoolChange(classes=new))
    first = rescore_pool(catalog, store, "photos", encoder=lambda: encoder).ranking
    version = get_prompt_version(catalog, "photos", first.prompt_version)
    assert (version.number, version.parent, version.label_count) == (2, None, 0)
    assert version.classes == new
    trained, metadata = load_prompts(store[0], absolute(store[1], version.uri))
    assert metadata["classes"] == list(new)
    assert len(trained.features.positive_CD) == len(new)
    assert get_pool(catalog, "photos").active_prompt_version == 2
    # The same classes again need no encoder.
    again = rescore_pool(catalog, store, "photos", encoder=_no_encoder).ranking
    assert (again.prompt_version, again.sha256) == (2, first.sha256)

    one, two, *_ = _top(world, 2)
    _answer(world, {one: Label("wall of bricks"), two: Label(old[1])})
    outcome = _train(world, encoder)
    assert (outcome.prompt_version.parent, outcome.prompt_version.classes) == (2, new)
    assert outcome.prompt_version.label_count == 3
    for number in (0, 1):
        with pytest.raises(FailedPreconditionError) as caught:
            rescore_pool(catalog, store, "photos", prompt_version=number)
        assert caught.value.reason == "CLASSES_DIFFER"


def test_the_old_classes_again_have_their_zero_shot_prompts(
    world: EmbeddingWorld, encoder: Encoder
) -> None:
    catalog, store = world.catalog, world.store
    old = get_pool(catalog, "photos").classes
    before = get_ranking(catalog, "photos", 1)
    update_pool(catalog, "photos", PoolChange(classes=old[:2]))
    rescore_pool(catalog, store, "photos", encoder=lambda: encoder)
    assert _predicted(world) == {0, 1}
    update_pool(catalog, "photos", PoolChange(classes=old))
    outcome = rescore_pool(catalog, store, "photos", encoder=_no_encoder)
    assert (outcome.ranking.prompt_version, outcome.ranking.sha256) == (0, before.sha256)


def test_a_training_ranks_by_new_classes_first(world: EmbeddingWorld, encoder: Encoder) -> None:
    update_pool(world.catalog, "photos", PoolChange(classes=("cat", "rocket", "wall of bricks")))
    _answer(world, {_top(world, 1)[0]: Label("wall of bricks")})
    version = _train(world, encoder).prompt_version
    assert (version.number, version.parent, version.classes[-1]) == (2, 1, "wall of bricks")
    assert len(list_prompt_versions(world.catalog, "photos")[0]) == 3


def test_classes_that_change_while_it_trains_end_the_training(
    world: EmbeddingWorld, encoder: Encoder
) -> None:
    before = get_pool(world.catalog, "photos")

    def change(progress: RunProgress) -> None:
        if progress.total and progress.done == progress.total:
            change = PoolChange(classes=(*before.classes, "surface of the moon"))
            update_pool(world.catalog, "photos", change)

    with pytest.raises(FailedPreconditionError) as caught:
        train_pool(world.catalog, world.store, "photos", change, encoder, CONFIG)
    assert caught.value.reason == "CLASSES_DIFFER"
    assert get_pool(world.catalog, "photos").active_ranking == before.active_ranking


def test_images_that_come_after_new_classes_are_ranked_by_them(
    world: EmbeddingWorld, encoder: Encoder, tmp_path: Path
) -> None:
    old = get_pool(world.catalog, "photos").classes
    update_pool(world.catalog, "photos", PoolChange(classes=(*old, "surface of the moon")))
    more = write_photographs(tmp_path / "more", 30)
    outcome = world.embed_in_process(world.list_of(more), encoder)
    assert outcome.prompt_version == 1
    assert get_prompt_version(world.catalog, "photos", 1).classes[-1] == "surface of the moon"


def _no_encoder() -> Encoder:
    raise AssertionError("no text is to be encoded")
