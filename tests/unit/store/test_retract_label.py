from datetime import UTC, datetime, timedelta

import pytest

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.labels.answer import Abstain, Answer, Label, LabelInput
from poolscore.store.annotator_answers import AnnotatorAnswer, newest_answers
from poolscore.store.batches import get_batch
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels, events_since, list_label_events
from poolscore.store.leases import lease_batch
from poolscore.store.pools import get_pool
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import BatchState
from poolscore.store.retract_label import retract_label
from tests.store_world import POOL, item

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAT, DOG = Label("cat"), Label("dog")


@pytest.fixture(autouse=True)
def batch(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, None, ranking, NOON)


def say(catalog: Catalog, row: int, answer: Answer, annotator: str) -> int:
    results = record_labels(catalog, POOL, [LabelInput(item(row), answer, annotator)], None)
    assert results[0].event is not None
    return results[0].event


def test_the_item_is_free_again(catalog: Catalog, ranking: LoadedRanking) -> None:
    for row in (0, 1):
        say(catalog, row, CAT, "ann")
    lease_batch(catalog, POOL, 3, "bob", HOUR, None, ranking, NOON)
    event = retract_label(catalog, POOL, item(1), "ann", now=NOON)
    assert (event.sequence, event.answer, event.retracts) == (3, None, 2)
    assert (event.annotator, event.item_id, event.prediction) == ("ann", item(1), None)
    assert effective_labels(catalog, POOL)[0] == [(item(0), CAT, 1)]
    assert get_pool(catalog, POOL).counts.answered == 1
    first = get_batch(catalog, POOL, 1, NOON)
    assert (first.state, [each.answered for each in first.items]) == (
        BatchState.DONE,
        [True, False],
    )
    # It is at the top of the ranking, above what bob holds.
    again = lease_batch(catalog, POOL, 1, "cat", HOUR, None, ranking, NOON)
    assert [leased.item_id for leased in again.items] == [item(1)]
    assert say(catalog, 1, CAT, "ann") == 4  # no repetition: nothing was in force


def test_the_newest_answer_of_another_takes_over(catalog: Catalog, ranking: LoadedRanking) -> None:
    for annotator, answer in (("ann", CAT), ("bob", DOG), ("eve", Abstain()), ("bob", CAT)):
        say(catalog, 0, answer, annotator)
    retract_label(catalog, POOL, item(0), "bob")
    assert effective_labels(catalog, POOL) == ([(item(0), Abstain(), 3)], 5)
    retract_label(catalog, POOL, item(0), "ann")
    assert effective_labels(catalog, POOL)[0] == [(item(0), Abstain(), 3)]
    assert say(catalog, 0, Abstain(), "eve") == 3  # a repetition
    retract_label(catalog, POOL, item(0), "eve")
    assert effective_labels(catalog, POOL)[0] == []
    free = lease_batch(catalog, POOL, 1, "ann", HOUR, None, ranking, NOON + 2 * HOUR)
    assert free.items[0].item_id == item(0)


def new_answers(catalog: Catalog) -> int:
    with catalog.read() as connection:
        return events_since(connection, POOL, 0)


def test_trainings_leave_it_out(catalog: Catalog) -> None:
    say(catalog, 0, CAT, "ann")
    say(catalog, 0, DOG, "ann")
    say(catalog, 0, DOG, "bob")
    assert new_answers(catalog) == 3
    retract_label(catalog, POOL, item(0), "ann")
    assert new_answers(catalog) == 1
    assert newest_answers(catalog, POOL) == ([AnnotatorAnswer(item(0), "bob", DOG, 3)], 4)
    say(catalog, 0, CAT, "ann")
    assert new_answers(catalog) == 2
    assert [each.annotator for each in newest_answers(catalog, POOL)[0]] == ["bob", "ann"]


def test_a_request_is_applied_once(catalog: Catalog) -> None:
    say(catalog, 0, CAT, "ann")
    first = retract_label(catalog, POOL, item(0), "ann", "r")
    say(catalog, 0, CAT, "ann")
    assert retract_label(catalog, POOL, item(0), "ann", "r") == first
    assert len(list_label_events(catalog, POOL)[0]) == 3
    assert get_pool(catalog, POOL).counts.answered == 1
    with pytest.raises(InvalidInputError) as caught:
        retract_label(catalog, POOL, item(0), "bob", "r")
    assert caught.value.reason == "REQUEST_ID_REUSED"
    with pytest.raises(InvalidInputError):
        record_labels(catalog, POOL, [LabelInput(item(0), CAT, "ann")], "r")


@pytest.mark.parametrize(("row", "annotator"), [(0, "bob"), (0, ""), (1, "ann"), (99, "ann")])
def test_what_is_not_there(catalog: Catalog, row: int, annotator: str) -> None:
    say(catalog, 0, CAT, "ann")
    before = get_pool(catalog, POOL)
    for _ in range(2):
        with pytest.raises(NotFoundError) as caught:
            retract_label(catalog, POOL, item(row), annotator, "r")
        assert caught.value.reason == "NO_ANSWER"
    assert get_pool(catalog, POOL) == before
    assert len(list_label_events(catalog, POOL)[0]) == 1


def test_once_is_enough(catalog: Catalog) -> None:
    say(catalog, 0, CAT, "ann")
    retract_label(catalog, POOL, item(0), "ann")
    with pytest.raises(NotFoundError):
        retract_label(catalog, POOL, item(0), "ann")
