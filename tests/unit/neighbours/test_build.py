import numpy as np
import pytest

from poolscore.neighbours import search as searching
from poolscore.neighbours.build import build, extend
from poolscore.neighbours.exact import nearest_neighbours
from poolscore.neighbours.features import HeldFeatures
from poolscore.neighbours.lists import Int64, Neighbours
from poolscore.neighbours.search import SearchRecord
from tests.unit.neighbours.clouds import brute_force, cloud


def same(one: Neighbours, other: Neighbours) -> bool:
    return (one.rows_NK.tobytes(), one.similarity_NK.tobytes()) == (
        other.rows_NK.tobytes(),
        other.similarity_NK.tobytes(),
    )


def earlier_rows(kept: Int64, total: int) -> Int64:
    """The first rows are those that were kept, the others are new."""
    return np.append(kept, np.full(total - len(kept), -1))


def test_a_small_pool_is_compared_exactly() -> None:
    features = cloud(500)
    built = build(HeldFeatures(features), 20)
    rows, similarity = brute_force(features, 20)
    np.testing.assert_allclose(built.neighbours.similarity_NK, similarity, atol=1e-5)
    assert (built.neighbours.rows_NK == rows).mean() > 0.999
    assert (built.exact, built.recall, built.sample) == (True, 1.0, 0)
    assert same(build(HeldFeatures(features), 20).neighbours, built.neighbours)
    assert build(HeldFeatures(features[:4]), 20).neighbours.width == 3


def test_growing_gives_what_building_gives() -> None:
    features = cloud(900)
    first = build(HeldFeatures(features[:600]), 10)
    grown = extend(
        HeldFeatures(features), first.neighbours, True, earlier_rows(np.arange(600), 900), 10
    )
    assert same(grown.neighbours, build(HeldFeatures(features), 10).neighbours)
    assert grown.exact
    # Old pairs are not compared again.
    assert grown.searches == (
        SearchRecord(600, 300, exact=True),
        SearchRecord(300, 900, exact=True),
    )


def test_who_is_gone_leaves_the_lists_and_the_order_may_change() -> None:
    rng = np.random.default_rng(5)
    features = cloud(700)
    first = build(HeldFeatures(features), 6)
    kept = rng.permutation(700)[:680]
    later = np.concatenate([features[kept], cloud(40, seed=1)])
    grown = extend(HeldFeatures(later), first.neighbours, True, earlier_rows(kept, 720), 6)
    assert same(grown.neighbours, build(HeldFeatures(later), 6).neighbours)
    assert sum(record.queries for record in grown.searches) == 720


def test_nothing_new_compares_nothing() -> None:
    features = cloud(300)
    first = build(HeldFeatures(features), 5)
    again = extend(HeldFeatures(features), first.neighbours, True, np.arange(300), 5)
    assert same(again.neighbours, first.neighbours)
    assert again.searches == ()


@pytest.mark.parametrize("kept", [1, 40])
def test_a_graph_that_has_little_to_give_is_built_anew(kept: int) -> None:
    features = cloud(100)
    first = nearest_neighbours(features[:kept], 5)
    grown = extend(HeldFeatures(features), first, True, earlier_rows(np.arange(kept), 100), 5)
    assert grown.searches == (SearchRecord(100, 100, exact=True),)
    assert same(grown.neighbours, build(HeldFeatures(features), 5).neighbours)


def test_the_recall_of_an_inexact_graph_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "EXACT_PAIRS", 0)
    features = cloud(3000)
    built = build(HeldFeatures(features), 20)
    _, similarity = brute_force(features, 20)
    true_recall = (built.neighbours.similarity_NK >= similarity[:, -1:] - 1e-5).mean()
    assert (built.exact, built.sample) == (False, 1000)
    assert built.recall == pytest.approx(true_recall, abs=0.02)
    first = build(HeldFeatures(features[:2500]), 20)
    rows = earlier_rows(np.arange(2500), 3000)
    grown = extend(HeldFeatures(features), first.neighbours, False, rows, 20)
    assert not grown.exact
    assert grown.recall > 0.9
    # An exact graph that was grown inexactly is not exact.
    exact = Neighbours(*_exact(features[:2500]))
    assert not extend(HeldFeatures(features), exact, True, rows, 20).exact


@pytest.mark.parametrize("new", [5, 60])
def test_few_come_to_an_inexact_graph(monkeypatch: pytest.MonkeyPatch, new: int) -> None:
    """No more than the neighbours that are asked for."""
    monkeypatch.setattr(searching, "EXACT_PAIRS", 0)
    features = cloud(500)
    first = Neighbours(*_exact(features[: 500 - new], 60))
    rows = earlier_rows(np.arange(500 - new), 500)
    grown = extend(HeldFeatures(features), first, True, rows, 60)
    assert (grown.neighbours.rows_NK >= 0).all()
    assert grown.recall > 0.9


def _exact(features: np.ndarray, k: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rows, similarity = brute_force(features, k)
    return rows.astype(np.int32), similarity.astype(np.float32)
