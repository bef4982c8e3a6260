from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store import files, pools, rankings
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.pool_states import PoolStates
from poolscore.store.ranking_file import read_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.retract_label import retract_label
from tests.seeding import add_version, item_ids, seed_pool

POOL = "pets"
ITEMS = item_ids(20)
"""The images of ranks 0, 1, 2, 3, ... are predicted to be cat, dog, owl, cat, ..."""


class Annotator:
    """Leases from the active ranking, answers, and reads what that says of the active version."""

    def __init__(self, catalog: Catalog, store_uri: str) -> None:
        seed_pool(catalog, store_uri, POOL)
        self.catalog, self.store_uri = catalog, store_uri
        self.states = PoolStates(catalog)

    def lease(self, size: int) -> None:
        number = pools.get_pool(self.catalog, POOL).active_ranking
        assert number is not None
        ranking = rankings.get_ranking(self.catalog, POOL, number)
        loaded = read_ranking(*files.open_store(self.store_uri), ranking)
        lease_batch(self.catalog, POOL, size, "ann", timedelta(hours=1), None, loaded)

    def say(self, **answers: Answer) -> None:
        given = [LabelInput(ITEMS[int(row[1:])], said, "ann") for row, said in answers.items()]
        results = record_labels(self.catalog, POOL, given, None, known_items=_all)
        assert all(result.accepted for result in results), results

    @property
    def right(self) -> list[int]:
        (pool,) = self.states.read()
        assert len(pool.answered.p_clean) == len(pool.answered.right)
        (again,) = PoolStates(self.catalog).read()
        assert again.answered.right == pool.answered.right, "read piece by piece or all at once"
        return pool.answered.right.tolist()


def _all(ids: Sequence[str]) -> list[bool]:
    return [True] * len(ids)


@pytest.fixture
def ann(catalog: Catalog, tmp_path: Path) -> Annotator:
    return Annotator(catalog, str(tmp_path / "store"))


def test_labels_of_leased_images_judge_what_was_predicted(ann: Annotator) -> None:
    assert ann.right == []
    ann.lease(6)
    ann.say(i0=Label("cat"), i1=Label("cat"))
    assert ann.right == [1, 0]
    # These say of no single class that it is right or wrong.
    ann.say(i2=Candidates(("cat", "owl")), i3=Abstain("dark"))
    assert ann.right == [1, 0]
    ann.say(i4=Label("dog"))
    assert ann.right == [1, 0, 1]


def test_an_answer_counts_as_it_was_given(ann: Annotator) -> None:
    ann.lease(2)
    ann.say(i0=Label("dog"))
    ann.say(i0=Label("cat"))
    retract_label(ann.catalog, POOL, ITEMS[0], "ann")
    assert ann.right == [0, 1]


def test_an_image_that_nobody_leased_was_not_predicted(ann: Annotator) -> None:
    ann.say(i9=Label("cat"))
    assert ann.right == []


def test_each_version_is_judged_by_its_own_predictions(ann: Annotator) -> None:
    ann.lease(2)
    ann.say(i0=Label("cat"))
    assert ann.right == [1]
    add_version(ann.catalog, ann.store_uri, POOL, ITEMS[2:], watermark=1)
    assert ann.right == []
    # Leased before the switch, and predicted by the version before.
    ann.say(i1=Label("dog"))
    ann.lease(1)
    ann.say(i2=Label("dog"))
    assert ann.right == [0]
    rankings.activate(ann.catalog, POOL, 1, 0, 1)
    assert ann.right == [1, 1]
