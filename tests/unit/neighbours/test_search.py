import numpy as np
import pytest

from poolscore.neighbours import search as searching
from poolscore.neighbours.features import BLOCK, HeldFeatures
from poolscore.neighbours.lists import NOBODY
from poolscore.neighbours.search import SearchRecord, search
from tests.unit.neighbours.clouds import WIDTH, brute_force, cloud


def test_every_part_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings that do not fit are searched part by part, with the same result."""
    monkeypatch.setattr(searching, "BLOCK", 100)
    features = cloud(700)
    every, done = np.arange(700), list[int]()
    found, record = search(
        HeldFeatures(features), every, every, 9, done.append, part_bytes=8 * WIDTH * 150
    )
    rows, similarity = brute_force(features, 9)
    np.testing.assert_allclose(found.similarity_NK, similarity, atol=1e-5)
    assert (found.rows_NK == rows).mean() > 0.999
    assert record == SearchRecord(700, 700, exact=True)
    assert len(done) == 7 * 5


def test_some_rows_among_others() -> None:
    features = cloud(400)
    asked, searched = np.arange(0, 400, 7), np.arange(1, 400, 3)
    found, _ = search(HeldFeatures(features), asked, searched, 5)
    similarity = features[asked].astype(np.float64) @ features[searched].astype(np.float64).T
    similarity[asked[:, None] == searched] = -np.inf
    np.testing.assert_allclose(found.similarity_NK, -np.sort(-similarity, 1)[:, :5], atol=1e-5)
    assert np.isin(found.rows_NK, searched).all()
    assert (found.rows_NK != asked[:, None]).all()


def test_an_inverted_file_finds_what_it_is_tuned_to_find_and_fills_every_place() -> None:
    features, every = cloud(3000), np.arange(3000)
    found, record = search(HeldFeatures(features), every, every, 20, exact=False)
    _, similarity = brute_force(features, 20)
    recall = (found.similarity_NK >= similarity[:, -1:] - 1e-5).mean()
    assert recall > 0.93
    assert (found.rows_NK >= 0).all()
    assert all(len({*row, number}) == 21 for number, row in enumerate(found.rows_NK.tolist()))
    assert not record.exact
    assert 8 <= record.probes <= record.cells == 3000 // 40
    again, _ = search(HeldFeatures(features), every, every, 20, exact=False)
    assert again.rows_NK.tobytes() == found.rows_NK.tobytes()
    assert again.similarity_NK.tobytes() == found.similarity_NK.tobytes()


def test_lists_that_cells_cannot_fill_are_searched_in_full() -> None:
    """Every cell is smaller than the lists are long."""
    features, every = cloud(300), np.arange(300)
    found, _ = search(HeldFeatures(features), every, every, 280, exact=False)
    assert (found.rows_NK >= 0).all()


def test_a_search_for_all_others_is_tuned_with_those_there_are() -> None:
    """Those that came to a graph may be no more than the neighbours that are asked for."""
    features, came = cloud(300), np.arange(240, 300)
    found, record = search(HeldFeatures(features), np.arange(240), came, 60, exact=False)
    assert (np.sort(found.rows_NK, axis=1) == came).all()
    assert not record.exact


def test_fewer_cells_are_searched_for_the_few_that_are_near_enough() -> None:
    """Points in all directions, of which every eighth newcomer is close to one of the others."""
    points = np.random.default_rng(0).normal(size=(4000, 32))
    points[2400::8] = points[:200] + 0.1 * points[2400::8]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    held, asked, came = (
        HeldFeatures(points.astype(np.float16)),
        np.arange(2400),
        np.arange(2400, 4000),
    )
    worth = np.full(2400, 0.9, np.float32)
    _, all_found = search(held, asked, came, 20, exact=False)
    found, few = search(held, asked, came, 20, exact=False, worth_q=worth)
    assert 2 * few.probes <= all_found.probes
    assert (found.rows_NK[:200, 0] == came[::8]).mean() > 0.95


def test_few_rows_have_no_cells() -> None:
    features, came = cloud(300), np.arange(295, 300)
    found, record = search(HeldFeatures(features), np.arange(295), came, 5, exact=False)
    assert (np.sort(found.rows_NK, axis=1) == came).all()
    assert record == SearchRecord(295, 5, exact=True)


def test_no_part_has_fewer_rows_than_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """205 rows in parts of 100 at most; the last one had 5."""
    monkeypatch.setattr(searching, "BLOCK", 100)
    features, every = cloud(205), np.arange(205)
    found, record = search(HeldFeatures(features), every, every, 5, exact=False, part_bytes=0)
    _, similarity = brute_force(features, 5)
    assert (found.similarity_NK >= similarity[:, -1:] - 1e-5).mean() > 0.93
    assert not record.exact


def test_a_list_ends_with_nobody_where_there_are_too_few_others() -> None:
    features, every = cloud(5), np.arange(5)
    found, _ = search(HeldFeatures(features), every, every, 5, exact=True)
    assert (found.rows_NK[:, :4] >= 0).all()
    assert (found.rows_NK[:, 4] == NOBODY).all()


def test_rows_of_several_blocks() -> None:
    features = cloud(BLOCK + 50)
    found, _ = search(HeldFeatures(features), np.arange(BLOCK + 50), np.arange(60), 3)
    similarity = features.astype(np.float32) @ features[:60].astype(np.float32).T
    np.fill_diagonal(similarity, -np.inf)
    np.testing.assert_allclose(found.similarity_NK, -np.sort(-similarity, 1)[:, :3], atol=1e-5)
