from collections.abc import Sequence
from time import perf_counter

import pytest
from sqlalchemy import select

from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels, events_since, list_label_events
from poolscore.store.record_labels import record_labels
from poolscore.store.retract_label import retract_label
from poolscore.store.tables import label_events
from tests.store_world import POOL, add_pool, item

ANSWERS: Sequence[Answer] = (Label("cat"), Abstain(), Candidates(("dog", "bird")), Label("dog"))


@pytest.fixture(autouse=True)
def pool(catalog: Catalog) -> None:
    add_pool(catalog)


def record(catalog: Catalog) -> None:
    inputs = [LabelInput(item(row), answer) for row, answer in enumerate(ANSWERS)]
    record_labels(catalog, POOL, inputs, None, known_items=lambda ids: [True] * len(ids))


def since(catalog: Catalog, watermark: int) -> int:
    with catalog.read() as connection:
        return events_since(connection, POOL, watermark)


def test_an_empty_log(catalog: Catalog) -> None:
    assert effective_labels(catalog, POOL) == ([], 0)
    assert since(catalog, 0) == 0
    assert list_label_events(catalog, POOL) == ([], "")


def test_effective_answers_come_in_the_order_they_were_given(catalog: Catalog) -> None:
    record(catalog)
    again = [LabelInput(item(0), Label("bird"))]
    record_labels(catalog, POOL, again, None, known_items=lambda ids: [True] * len(ids))
    answers, watermark = effective_labels(catalog, POOL)
    assert watermark == 5
    assert [(a.item_id, a.sequence) for a in answers] == [
        (item(1), 2),
        (item(2), 3),
        (item(3), 4),
        (item(0), 5),
    ]
    assert answers[-1].answer == Label("bird")


def test_abstentions_teach_nothing_new(catalog: Catalog) -> None:
    record(catalog)
    assert [since(catalog, mark) for mark in range(5)] == [3, 2, 2, 1, 0]


def test_pages(catalog: Catalog) -> None:
    record(catalog)
    first, token = list_label_events(catalog, POOL, 3)
    second, end = list_label_events(catalog, POOL, 3, token)
    assert [event.sequence for event in first + second] == [1, 2, 3, 4]
    assert [event.answer for event in first + second] == list(ANSWERS)
    assert end == ""
    assert first[0].name == "pools/pets/labelEvents/1"


def test_many_answers_are_counted_in_one_pass(catalog: Catalog) -> None:
    count = 20_000  # each looked up among those behind it: half a minute
    record(catalog)
    with catalog.write() as connection:
        first = connection.execute(select(label_events).where(label_events.c.sequence == 1))
        row = dict(first.mappings().one())
        rows = [row | {"sequence": 5 + n, "item_id": item(n)} for n in range(count)]
        connection.execute(label_events.insert(), rows)
    retract_label(catalog, POOL, item(9), "")
    start = perf_counter()
    with catalog.read() as connection:
        assert events_since(connection, POOL, 4) == count - 1
    assert perf_counter() - start < 5
