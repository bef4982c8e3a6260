from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput, LabelResult
from poolscore.store.batches import get_batch
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels, list_label_events
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import BatchState, Prediction
from tests.store_world import POOL, item

HOUR = timedelta(hours=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CAT = Label("cat")


@pytest.fixture(autouse=True)
def batch(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 6, "ann", HOUR, None, ranking, NOON)


def test_each_answer_becomes_an_event_with_its_prediction(catalog: Catalog) -> None:
    answers: list[Answer] = [CAT, Candidates(("cat", "dog")), Abstain("blurred")]
    inputs = [LabelInput(item(row), a, "ann", 1) for row, a in zip((0, 1, 5), answers, strict=True)]
    results = record_labels(catalog, POOL, inputs, "r", now=NOON)
    assert results == [LabelResult(1), LabelResult(2), LabelResult(3)]
    events, _ = list_label_events(catalog, POOL)
    assert [event.answer for event in events] == answers
    assert [event.item_id for event in events] == [item(0), item(1), item(5)]
    assert {(e.annotator, e.batch, e.prompt_version, e.create_time) for e in events} == {
        ("ann", 1, 0, NOON)
    }
    assert events[2].prediction == Prediction(2, 0.25, 0.125, 0.0625, 0.75)


def test_a_request_is_applied_once_with_the_same_results(catalog: Catalog) -> None:
    inputs = [
        LabelInput(item(0), CAT, batch=1),
        LabelInput(item(1), Label("fish"), batch=1),
        LabelInput(item(19), CAT, batch=1),
    ]
    first = record_labels(catalog, POOL, inputs, "r")
    assert [result.reason for result in first] == ["", "UNKNOWN_CLASS", "WRONG_BATCH"]
    assert record_labels(catalog, POOL, inputs, "r") == first
    assert record_labels(Catalog(catalog.url), POOL, inputs, "r") == first
    assert len(list_label_events(catalog, POOL)[0]) == 1
    with pytest.raises(InvalidInputError) as caught:
        record_labels(catalog, POOL, inputs[:2], "r")
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_correction_is_a_new_event_and_the_newest_is_in_force(catalog: Catalog) -> None:
    record_labels(catalog, POOL, [LabelInput(item(0), CAT, batch=1)], None)
    twice = [LabelInput(item(0), Abstain()), LabelInput(item(0), Label("dog"))]
    record_labels(catalog, POOL, twice, None)
    assert len(list_label_events(catalog, POOL)[0]) == 3
    assert effective_labels(catalog, POOL) == ([(item(0), Label("dog"), 3)], 3)


def test_answers_that_are_sent_again_make_no_event(catalog: Catalog) -> None:
    sent = [
        LabelInput(item(0), CAT, batch=1),
        LabelInput(item(1), Candidates(("cat", "dog")), batch=1),
        LabelInput(item(2), Abstain("blurred"), batch=1),
    ]
    record_labels(catalog, POOL, sent, None)
    mended = [*sent, LabelInput(item(3), CAT, batch=1)]
    again = record_labels(catalog, POOL, mended, None)
    assert [result.event for result in again] == [1, 2, 3, 4]
    assert [result.message for result in again] == [
        *(f"recorded before, as event {event}" for event in (1, 2, 3)),
        "",
    ]
    # Who answered and with which batch is known without saying it.
    assert record_labels(catalog, POOL, [LabelInput(item(0), CAT, "ann")], None)[0].event == 1
    assert len(list_label_events(catalog, POOL)[0]) == 4


def test_who_repeats_himself_does_not_overrule_who_answered_later(catalog: Catalog) -> None:
    mine, theirs = LabelInput(item(0), CAT, "ann", 1), LabelInput(item(0), Label("dog"), "bob", 1)
    record_labels(catalog, POOL, [mine, theirs], None)
    again = record_labels(catalog, POOL, [mine, mine], None)
    assert [result.event for result in again] == [1, 1]
    (effective,), _ = effective_labels(catalog, POOL)
    assert effective.answer == Label("dog")


def test_what_is_in_force_decides_what_is_a_repetition(catalog: Catalog) -> None:
    dog = Label("dog")
    for answer, annotator in ((CAT, "ann"), (dog, "ann"), (CAT, "ann"), (CAT, "bob")):
        record_labels(catalog, POOL, [LabelInput(item(0), answer, annotator, 1)], None)
    one_request = [LabelInput(item(1), answer, batch=1) for answer in (CAT, CAT, dog, CAT)]
    results = record_labels(catalog, POOL, one_request, None)
    assert [result.event for result in results] == [5, 5, 6, 7]
    assert [event.answer for event in list_label_events(catalog, POOL)[0]] == [
        *(CAT, dog, CAT, CAT),
        *(CAT, dog, CAT),
    ]


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (LabelInput(item(0), Label("fish"), batch=1), "UNKNOWN_CLASS"),
        (LabelInput(item(0), Label(""), batch=1), "UNKNOWN_CLASS"),
        (LabelInput(item(0), Candidates(("cat", "fish")), batch=1), "UNKNOWN_CLASS"),
        (LabelInput(item(0), Candidates(("cat",)), batch=1), "INVALID_CANDIDATES"),
        (LabelInput(item(0), Candidates(()), batch=1), "INVALID_CANDIDATES"),
        (LabelInput(item(0), Candidates(("cat", "cat")), batch=1), "INVALID_CANDIDATES"),
        (LabelInput(item(0), CAT, batch=7), "BATCH_NOT_FOUND"),
        (LabelInput(item(9), CAT, batch=1), "WRONG_BATCH"),
        (LabelInput("nope", CAT, batch=1), "WRONG_BATCH"),
        (LabelInput(item(9), CAT), "UNKNOWN_ITEM"),
    ],
)
def test_a_bad_answer_is_refused_and_the_others_are_kept(
    catalog: Catalog, label: LabelInput, reason: str
) -> None:
    good = LabelInput(item(1), CAT, batch=1)
    refused, accepted = record_labels(catalog, POOL, [label, good], None)
    assert (refused.event, refused.reason, accepted) == (None, reason, LabelResult(1))
    assert refused.message
    assert [event.item_id for event in list_label_events(catalog, POOL)[0]] == [item(1)]


def test_an_unknown_class_is_told_the_near_one(catalog: Catalog) -> None:
    inputs = [LabelInput(item(0), Candidates(("dog", "Cat")), batch=1)]
    (refused,) = record_labels(catalog, POOL, inputs, None)
    assert refused.message.startswith("'Cat' is not a class of the pool, which has cat, dog, bird")
    assert refused.message.endswith("did you mean 'cat'?")


def test_an_item_that_was_never_leased_needs_a_witness(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    asked: list[Sequence[str]] = []

    def known(ids: Sequence[str]) -> list[bool]:
        asked.append(ids)
        return [each != "nope" for each in ids]

    inputs = [
        LabelInput(item(9), CAT, "bob"),
        LabelInput("nope", CAT, "bob"),
        LabelInput(item(0), CAT, batch=1),
    ]
    results = record_labels(catalog, POOL, inputs, None, known_items=known)
    assert [result.reason for result in results] == ["", "UNKNOWN_ITEM", ""]
    assert asked == [[item(9), "nope"]]
    event = list_label_events(catalog, POOL)[0][0]
    assert (event.prediction, event.prompt_version, event.batch) == (None, None, None)
    following = lease_batch(catalog, POOL, 4, "eve", HOUR, None, ranking, NOON)
    assert item(9) not in {leased.item_id for leased in following.items}


def test_an_answer_without_a_batch_takes_the_newest_prediction(catalog: Catalog) -> None:
    record_labels(catalog, POOL, [LabelInput(item(3), CAT)], None)
    event = list_label_events(catalog, POOL)[0][0]
    assert (event.batch, event.annotator, event.prompt_version) == (None, "ann", 0)
    assert event.prediction is not None


def test_a_late_answer_counts_and_closes_the_lease_of_another(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    other = lease_batch(catalog, POOL, 1, "bob", HOUR, None, ranking, NOON + HOUR)
    assert other.items[0].item_id == item(0)
    late = [LabelInput(item(0), CAT, batch=1)]
    assert record_labels(catalog, POOL, late, None, now=NOON + HOUR) == [LabelResult(1)]
    assert get_batch(catalog, POOL, other.number, NOON + HOUR).state is BatchState.DONE
    third = lease_batch(catalog, POOL, 20, "eve", HOUR, None, ranking, NOON + 2 * HOUR)
    assert item(0) not in {leased.item_id for leased in third.items}


def test_bad_requests(catalog: Catalog) -> None:
    for inputs in ([], [LabelInput(item(0), CAT)] * 1001):
        with pytest.raises(InvalidInputError) as caught:
            record_labels(catalog, POOL, inputs, None)
        assert caught.value.reason == "INVALID_LABEL_COUNT"
    with pytest.raises(NotFoundError):
        record_labels(catalog, "nope", [LabelInput(item(0), CAT)], None)
