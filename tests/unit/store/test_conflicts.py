import pytest

from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.labels.answer import Abstain, Answer, Candidates, Label, LabelInput
from poolscore.store import conflicts
from poolscore.store.catalog import Catalog
from poolscore.store.conflicts import list_conflicts
from poolscore.store.record_labels import record_labels
from poolscore.store.retract_label import retract_label
from tests.store_world import POOL, add_pool, item

CAT, DOG, UNSURE = Label("cat"), Label("dog"), Abstain()
PETS = Candidates(("cat", "dog"))


@pytest.fixture(autouse=True)
def pool(catalog: Catalog) -> None:
    add_pool(catalog)


def say(catalog: Catalog, row: int, **answers: Answer) -> None:
    inputs = [LabelInput(item(row), answer, who) for who, answer in answers.items()]
    record_labels(catalog, POOL, inputs, None, known_items=lambda ids: [True] * len(ids))


def rows(catalog: Catalog) -> list[int]:
    return [int(each.item_id[-6:]) for each in list_conflicts(catalog, POOL)[0]]


def test_what_conflicts(catalog: Catalog) -> None:
    say(catalog, 0, ann=CAT, bob=DOG, eve=UNSURE)
    say(catalog, 1, ann=CAT, bob=CAT)
    say(catalog, 2, ann=CAT, bob=UNSURE)
    say(catalog, 3, ann=CAT, bob=PETS)
    say(catalog, 4, ann=PETS, bob=Candidates(("dog", "cat")))
    say(catalog, 5, ann=CAT)
    say(catalog, 5, ann=DOG)
    (first, second), token = list_conflicts(catalog, POOL)
    assert token == ""
    assert (first.item_id, second.item_id) == (item(0), item(3))
    said = [(event.annotator, event.answer, event.sequence) for event in first.answers]
    assert said == [("ann", CAT, 1), ("bob", DOG, 2), ("eve", UNSURE, 3)]


def test_what_settles_a_conflict(catalog: Catalog) -> None:
    for row in (0, 1, 2):
        say(catalog, row, ann=CAT, bob=DOG)
    say(catalog, 0, bob=CAT)
    retract_label(catalog, POOL, item(1), "ann")
    assert rows(catalog) == [2]
    say(catalog, 1, ann=CAT)
    assert rows(catalog) == [1, 2]


def test_pages(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_LOOK", 2)  # so that one page takes several looks
    for row in range(9):
        say(catalog, row, ann=CAT, bob=CAT if row in (0, 1, 2, 5) else DOG)
    pages: list[list[str]] = []
    token = ""
    while True:
        page, token = list_conflicts(catalog, POOL, 2, token)
        pages.append([each.item_id for each in page])
        if not token:
            break
    assert pages == [[item(3), item(4)], [item(6), item(7)], [item(8)]]


def test_pools_do_not_mix_and_tokens_are_those_of_the_list(catalog: Catalog) -> None:
    add_pool(catalog, "other")
    for row in (0, 1):
        say(catalog, row, ann=CAT, bob=DOG)
    assert list_conflicts(catalog, "other") == ([], "")
    _, token = list_conflicts(catalog, POOL, 1)
    with pytest.raises(InvalidInputError) as caught:
        list_conflicts(catalog, "other", 1, token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    with pytest.raises(NotFoundError):
        list_conflicts(catalog, "none")
