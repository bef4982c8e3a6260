from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poolscore.errors import NotFoundError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store.annotator_answers import AnnotatorAnswer, answered_until, newest_answers
from poolscore.store.catalog import Catalog
from poolscore.store.record_labels import record_labels
from poolscore.store.retract_label import retract_label
from tests.store_world import POOL, add_pool, item

CAT, DOG, PETS, UNSURE = Label("cat"), Label("dog"), Candidates(("cat", "dog")), Abstain("dark")
Given = tuple[int, str, Answer]
POOLS = count()


def record(catalog: Catalog, answers: Sequence[Given], pool_id: str = POOL) -> None:
    inputs = [LabelInput(item(row), answer, annotator) for row, annotator, answer in answers]
    record_labels(catalog, pool_id, inputs, None, known_items=lambda ids: [True] * len(ids))


def test_an_empty_log(catalog: Catalog) -> None:
    add_pool(catalog)
    assert newest_answers(catalog, POOL) == ([], 0)
    with pytest.raises(NotFoundError):
        newest_answers(catalog, "none")


def test_the_newest_answer_of_everyone(catalog: Catalog) -> None:
    add_pool(catalog)
    said = [(0, "ann", CAT), (1, "ann", DOG), (0, "bob", DOG), (0, "ann", PETS), (1, "bob", UNSURE)]
    record(catalog, said)
    assert newest_answers(catalog, POOL) == (
        [
            AnnotatorAnswer(item(1), "ann", DOG, 2),
            AnnotatorAnswer(item(0), "bob", DOG, 3),
            AnnotatorAnswer(item(0), "ann", PETS, 4),
            AnnotatorAnswer(item(1), "bob", UNSURE, 5),
        ],
        5,
    )


def test_nameless_answers_are_those_of_one_annotator(catalog: Catalog) -> None:
    add_pool(catalog)
    record(catalog, [(0, "", CAT), (0, "", DOG)])
    assert newest_answers(catalog, POOL) == ([AnnotatorAnswer(item(0), "", DOG, 2)], 2)


def test_pools_do_not_mix(catalog: Catalog) -> None:
    for pool_id in (POOL, "other"):
        add_pool(catalog, pool_id)
    record(catalog, [(0, "ann", CAT)])
    record(catalog, [(0, "ann", DOG), (0, "ann", CAT), (0, "bob", DOG)], "other")
    assert newest_answers(catalog, POOL) == ([AnnotatorAnswer(item(0), "ann", CAT, 1)], 1)


def test_an_item_without_an_answer_in_force_has_none(catalog: Catalog) -> None:
    add_pool(catalog)
    record(catalog, [(0, "ann", CAT), (1, "ann", DOG)])
    retract_label(catalog, POOL, item(1), "ann")
    assert newest_answers(catalog, POOL) == ([AnnotatorAnswer(item(0), "ann", CAT, 1)], 3)


answers = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["", "ann", "bob"]),
    st.sampled_from([CAT, DOG, PETS, UNSURE]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(answers, min_size=1, max_size=12))
def test_the_log_replayed(catalog: Catalog, said: list[Given]) -> None:
    pool_id = f"pool-{next(POOLS)}"
    add_pool(catalog, pool_id)
    record(catalog, said, pool_id)
    newest: dict[tuple[int, str], tuple[Answer, int]] = {}
    events = 0
    for row, annotator, answer in said:
        if newest.get((row, annotator), (None, 0))[0] != answer:
            events += 1
            newest[row, annotator] = (answer, events)
    expected = [AnnotatorAnswer(item(row), a, *each) for (row, a), each in newest.items()]
    found, watermark = newest_answers(catalog, pool_id)
    assert found == sorted(expected, key=lambda each: each.sequence)
    assert watermark == events


def test_items_that_were_answered_once_stay_so(catalog: Catalog) -> None:
    add_pool(catalog)
    record(catalog, [(0, "ann", CAT), (1, "ann", DOG), (0, "ann", DOG), (2, "bob", CAT)])
    assert answered_until(catalog, POOL, 0) == frozenset()
    assert answered_until(catalog, POOL, 1) == {item(0)}
    assert answered_until(catalog, POOL, 4) == {item(0), item(1), item(2)}
    with pytest.raises(NotFoundError):
        answered_until(catalog, "none", 1)
