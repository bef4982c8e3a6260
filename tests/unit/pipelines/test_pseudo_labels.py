"""Mining over a real snapshot on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.answers import UsableAnswers, usable_answers
from pipelines.embeddings import ScoredPool
from pipelines.places import RunPlaces
from pipelines.pseudo_labels import Before, mine
from pipelines.scan import ScannedEmbeddings
from poolscore.labels.answer import Abstain, Answer, Candidates, Label
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.lists import Neighbours
from poolscore.prompts.config import DualPromptConfig
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.annotator_answers import AnnotatorAnswer
from poolscore.store.manifest import ShardEntry
from tests.shards_world import (
    embeddings,
    manifest_with,
    open_world,
    prompts,
    write_shard,
)

COUNT = 24
VECTORS = embeddings(COUNT)
IDS = [f"i{number:02d}" for number in range(COUNT)]

World = tuple[Before, tuple[str, ...]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    _, store, pool = open_world(tmp_path)
    path = write_shard(RunPlaces.of(store, "p", 1), "a", IDS, vectors=VECTORS)
    shard = files.relative(store[1], str(path))
    entry = ShardEntry(path=shard, rows=COUNT, embedded=COUNT, rejected=0)
    manifest = manifest_with([entry])
    features: PromptFeatures = prompts()
    held = ScannedEmbeddings(store, manifest)
    scored = ScoredPool(held, held.score(features))
    return Before(scored, features, frozenset(IDS[:2])), tuple(pool.classes)


def answered(
    given: dict[str, Answer], classes: tuple[str, ...]
) -> tuple[UsableAnswers, list[AnnotatorAnswer]]:
    """Answers by one annotator, numbered from 1 in this order."""
    rows = [
        AnnotatorAnswer(item, "ann", answer, number)
        for number, (item, answer) in enumerate(given.items(), start=1)
    ]
    return usable_answers(rows, classes, pa.array(IDS)), rows


def test_an_answered_image_is_never_mined(world: World) -> None:
    before, classes = world
    given: dict[str, Answer] = {item: Abstain() for item in IDS[:20]}
    config = DualPromptConfig(pseudo_per_class=COUNT)
    rows, mined = mine(before, *answered(given, classes), config)
    assert sorted(before.pool.ids.take(pa.array(rows)).to_pylist()) == IDS[20:]
    assert mined.tolist() == before.pool.scores.predicted[rows].tolist()


def test_only_answers_that_the_prompts_have_not_learned_from_count(world: World) -> None:
    """Wrong predictions among the newest answers end the mining; the same ones, older, do not."""
    before, classes = world
    predicted = dict(zip(IDS, before.pool.scores.predicted.tolist(), strict=True))

    def other(item: str) -> Answer:
        return Label(classes[(predicted[item] + 1) % len(classes)])

    def right(item: str) -> Answer:
        return Label(classes[predicted[item]])

    config = DualPromptConfig(pseudo_per_class=COUNT, pseudo_confidence=0.5)

    def mined(given: dict[str, Answer]) -> int:
        return len(mine(before, *answered(given, classes), config)[0])

    few, many = IDS[:2], IDS[2:10]
    prior = mined({item: right(item) for item in few})
    assert mined({item: other(item) for item in few}) == prior
    trusted = mined({item: right(item) for item in [*few, *many]})
    doubted = mined({item: other(item) for item in [*few, *many]})
    assert doubted < trusted
    # A set of candidates is no outcome.
    unsure = {item: Candidates((classes[0], classes[1])) for item in many}
    assert mined({item: right(item) for item in few} | unsure) == mined(
        {item: right(item) for item in few} | {item: Abstain() for item in many}
    )


def test_a_stored_graph_takes_the_place_of_a_search(world: World) -> None:
    before, classes = world
    config = DualPromptConfig(pseudo_per_class=COUNT, pseudo_confidence=0.3)
    given = answered({"i00": Label(classes[0])}, classes)
    graph = nearest_neighbours(VECTORS)
    asked: list[Neighbours] = []

    def stored() -> Neighbours:
        asked.append(graph)
        return graph

    rows, mined = mine(replace(before, graph=stored), *given, config)
    expected = mine(before, *given, config)
    assert np.array_equal(rows, expected[0])
    assert np.array_equal(mined, expected[1])
    assert asked == [graph]


def test_a_graph_of_fewer_neighbours_is_no_evidence(world: World) -> None:
    before, classes = world
    config = DualPromptConfig(pseudo_per_class=COUNT, pseudo_confidence=0.3)
    given = answered({item: Label(classes[0]) for item in IDS[:8]}, classes)
    narrow = replace(before, graph=lambda: nearest_neighbours(VECTORS, 1))
    assert mine(narrow, *given, config)[0].tolist() == mine(before, *given, config)[0].tolist()


def test_mined_images_are_as_sure_as_asked_for(world: World) -> None:
    before, classes = world
    given = answered({"i00": Label(classes[0])}, classes)
    counts = [
        len(
            mine(
                before,
                *given,
                DualPromptConfig(pseudo_per_class=COUNT, pseudo_confidence=confidence),
            )[0]
        )
        for confidence in (0.01, 0.5, 0.99)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == COUNT - 1
    assert counts[-1] < counts[0]
