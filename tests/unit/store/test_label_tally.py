from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store import label_tally
from poolscore.store.answer_columns import write_answer
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels
from poolscore.store.label_tally import LabelTally
from poolscore.store.record_labels import record_labels
from poolscore.store.retract_label import retract_label
from tests.store_world import CLASSES, POOL, add_pool

ANSWERS: tuple[Answer, ...] = (
    *map(Label, CLASSES),
    Candidates(("cat", "dog")),
    Abstain("too dark"),
)


def answer(catalog: Catalog, item: str, said: Answer, annotator: str) -> None:
    def known(ids: object) -> list[bool]:
        return [True]

    inputs = [LabelInput(item, said, annotator)]
    (result,) = record_labels(catalog, POOL, inputs, None, known_items=known)
    assert result.accepted, result


def advance(catalog: Catalog, tally: LabelTally) -> None:
    _, newest = effective_labels(catalog, POOL)
    with catalog.read() as connection:
        tally.advance(connection, POOL, newest)


def counted(catalog: Catalog) -> tuple[Counter[str], Counter[str]]:
    """By reading everything that is in force."""
    answers = [label.answer for label in effective_labels(catalog, POOL)[0]]
    kinds = Counter(write_answer(each)["kind"] for each in answers)
    return kinds, Counter(each.label for each in answers if isinstance(each, Label))


def test_nothing_is_counted_of_nothing(catalog: Catalog) -> None:
    add_pool(catalog)
    tally = LabelTally()
    advance(catalog, tally)
    assert +tally.kinds == +tally.classes == Counter()


def test_following_events_counts_what_counting_all_does(catalog: Catalog) -> None:
    """New answers, corrections, second annotators and retractions, a few at a time."""
    add_pool(catalog)
    draw, tally = Random(7), LabelTally()
    given: set[tuple[str, str]] = set()
    for _ in range(12):
        for _ in range(draw.randint(1, 5)):
            if given and draw.random() < 0.3:
                item, annotator = draw.choice(sorted(given))
                given.remove((item, annotator))
                retract_label(catalog, POOL, item, annotator, None)
            else:
                item, annotator = f"item-{draw.randint(0, 5)}", draw.choice(["ann", "bob"])
                given.add((item, annotator))
                answer(catalog, item, draw.choice(ANSWERS), annotator)
        advance(catalog, tally)
        assert (+tally.kinds, +tally.classes) == counted(catalog)


@pytest.fixture
def recount_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda events: monkeypatch.setattr(label_tally, "RECOUNT", events)


def test_many_new_events_and_another_log_are_counted_anew(
    catalog: Catalog, recount_at: Callable[[int], None]
) -> None:
    add_pool(catalog)
    recount_at(2)
    tally = LabelTally()
    for number in range(4):
        answer(catalog, f"item-{number}", Label("cat"), "ann")
        if number in (0, 3):  # one event, then three at once
            advance(catalog, tally)
    assert +tally.classes == Counter(cat=4)
    add_pool(catalog, "earlier")  # as a catalog is that was restored to an earlier state
    with catalog.read() as connection:
        tally.advance(connection, "earlier", 0)
    assert +tally.classes == Counter()
