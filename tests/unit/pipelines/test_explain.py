from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipelines.explain import NEIGHBOURS, Explainer
from pipelines.item_evidence import ItemEvidence, Reject
from pipelines.neighbours import make_graph
from pipelines.scan import scan
from poolscore.errors import NotFoundError
from poolscore.labels.answer import Abstain, Candidates, Label
from poolscore.store.snapshots import get_snapshot
from tests.ranked_pool import RankedPool
from tests.seeding import item_ids, seed_pool


@pytest.fixture
def pool(tmp_path: Path) -> RankedPool:
    return RankedPool(tmp_path, [bytes(16)] * 3 + [None] * 7)


@pytest.fixture
def explainer(pool: RankedPool) -> Explainer:
    return Explainer(pool.catalog, pool.store, partial(scan, pool.store))


def evidence(explainer: Explainer, item: str, predicted: int | None = None) -> ItemEvidence:
    found = explainer.evidence("p", 2, 0, item, predicted)
    assert isinstance(found, ItemEvidence)
    return found


def test_an_item_is_told_by_the_prompts(explainer: Explainer, pool: RankedPool) -> None:
    found = evidence(explainer, "1-4")
    assert found.uri == "file:///1-4.jpg"
    assert found.prediction.predicted == found.predicted.index
    assert found.predicted.index != found.runner_up.index
    assert found.predicted.positive >= found.runner_up.positive
    assert found.prediction.p_clean == pytest.approx(found.predicted.p_clean, abs=0.02)
    gap = found.predicted.probability - found.runner_up.probability
    assert found.prediction.margin == pytest.approx(gap, abs=0.03)
    assert found.predicted.negative is not None
    # A ranking's own prediction comes first whatever a near-tie is rounded to.
    other = evidence(explainer, "1-4", found.runner_up.index)
    assert (other.predicted, other.runner_up) == (found.runner_up, found.predicted)


def test_the_nearest_labeled_images_and_their_answers(
    explainer: Explainer, pool: RankedPool
) -> None:
    assert evidence(explainer, "1-4").neighbours == ()
    for item in ("1-0", "1-1", "1-2", "2-0", "2-1", "1-4"):
        pool.answer(item, Label("cat"))
    pool.answer("2-2", Candidates(("cat", "dog")))
    pool.answer("2-3", Abstain("blurred"))
    found = evidence(explainer, "1-4").neighbours
    vectors = {item: vector.astype(np.float32) for item, vector in pool.vectors.items()}
    labeled = ("1-0", "1-1", "1-2", "2-0", "2-1", "2-2")
    cosines = {item: float(vectors[item] @ vectors["1-4"]) for item in labeled}
    nearest = sorted(cosines, key=lambda item: -cosines[item])[:NEIGHBOURS]
    assert [each.item_id for each in found] == nearest
    assert [each.similarity for each in found] == pytest.approx([cosines[i] for i in nearest])
    near = evidence(explainer, "2-2").neighbours
    assert near[0].item_id != "2-2"
    pool.answer("1-0", Label("dog"))
    labels = {each.item_id: each.labels for each in evidence(explainer, "1-0").neighbours}
    assert labels.get("2-2", ("cat", "dog")) == ("cat", "dog")


def test_near_duplicates(explainer: Explainer, pool: RankedPool) -> None:
    assert evidence(explainer, "1-0").near_duplicates == ()
    make_graph(pool.catalog, pool.store, get_snapshot(pool.catalog, "p", 2), 19)
    groups = [evidence(explainer, f"1-{row}").near_duplicates for row in range(4)]
    assert groups[3] == ()
    assert all(set(group) <= {"1-0", "1-1", "1-2"} for group in groups)
    for row, group in enumerate(groups):
        assert not group or (f"1-{row}" in group and len(group) > 1)


def test_the_images_around_an_item(explainer: Explainer, pool: RankedPool) -> None:
    assert evidence(explainer, "1-4").cluster is None
    make_graph(pool.catalog, pool.store, get_snapshot(pool.catalog, "p", 2), 4)
    vectors = {item: vector.astype(np.float32) for item, vector in pool.vectors.items()}
    cosines = {item: float(vectors[item] @ vectors["1-4"]) for item in vectors if item != "1-4"}
    nearest = sorted(cosines, key=lambda item: -cosines[item])[:4]
    pool.answer(nearest[0], Label("cat"))
    pool.answer(nearest[1], Abstain("blurred"))
    found = evidence(explainer, "1-4")
    assert found.cluster is not None
    assert list(found.cluster.items) == nearest
    assert found.cluster.labeled == 1
    assert found.cluster.similarity == pytest.approx(
        np.mean([cosines[item] for item in nearest]), abs=1e-3
    )
    classes = [evidence(explainer, item).prediction.predicted for item in nearest]
    assert found.cluster.same_class == classes.count(found.predicted.index)


def test_unknown_and_rejected_items(explainer: Explainer, pool: RankedPool) -> None:
    with pytest.raises(NotFoundError) as caught:
        explainer.evidence("p", 2, 0, "nobody")
    assert caught.value.reason == "ITEM_NOT_FOUND"
    seed_pool(pool.catalog, pool.root, "q", items=3)
    found = explainer.evidence("q", 1, 0, "broken")
    assert isinstance(found, Reject)
    assert found.reason
    assert item_ids(3)
