"""Random histories of leases, answers, releases and time, against a model in a few dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from poolscore.labels.answer import Abstain, Answer, Label, LabelInput
from poolscore.store.batches import extend_batch, get_batch, release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import effective_labels, list_label_events
from poolscore.store.leases import lease_batch
from poolscore.store.pools import get_pool
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import BatchState
from poolscore.store.retract_label import retract_label
from tests.databases import Databases
from tests.store_world import POOL, item, load, seed_ranking

SIZE = 12
ANSWERS: Sequence[Answer] = (Label("cat"), Label("dog"), Abstain())


@dataclass
class Held:
    """A batch as the model knows it."""

    rows: list[int]
    expires: datetime
    released: bool = False
    done: bool = False


@dataclass
class Given:
    """The answer in force for an item as the model knows it."""

    answer: Answer
    batch: int | None
    event: int


class Leasing(RuleBasedStateMachine):
    databases: Databases
    seed: str
    """A seeded catalog, copied for every history."""
    folder: Path
    seeded: LoadedRanking

    def __init__(self) -> None:
        super().__init__()
        url = self.databases.copy(self.seed)
        # Two views with their own memory of the position, as in two processes.
        catalogs = [Catalog(url) for _ in range(2)]
        self.views = [(c, load(self.folder, self.seeded.record)) for c in catalogs]
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.batches: dict[int, Held] = {}
        self.leased: dict[int, tuple[int, datetime]] = {}
        self.answers: dict[int, Given] = {}
        self.events = 0
        self.requests = 0

    def teardown(self) -> None:
        for catalog, _ in self.views:
            catalog.close()
        self.databases.drop(self.catalog.url)

    @property
    def catalog(self) -> Catalog:
        return self.views[0][0]

    def active(self) -> dict[int, tuple[int, datetime]]:
        return {row: held for row, held in self.leased.items() if held[1] > self.now}

    @rule(view=st.integers(0, 1), size=st.integers(1, 5), minutes=st.integers(1, 10))
    def lease(self, view: int, size: int, minutes: int) -> None:
        catalog, ranking = self.views[view]
        length = timedelta(minutes=minutes)
        request = f"r{len(self.batches)}"
        batch, again = (
            lease_batch(catalog, POOL, size, "ann", length, request, ranking, self.now)
            for _ in range(2)
        )
        assert batch == again
        taken = self.active().keys() | self.answers.keys()
        rows = [row for row in range(SIZE) if row not in taken][:size]
        assert [leased.rank for leased in batch.items] == rows
        self.batches[batch.number] = Held(rows, self.now + length)
        self.leased |= dict.fromkeys(rows, (batch.number, self.now + length))

    @rule(minutes=st.integers(1, 15))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: any(held.rows for held in self.batches.values()))
    @rule(data=st.data(), answer=st.sampled_from(ANSWERS), by_batch=st.booleans())
    def answer(self, data: st.DataObject, answer: Answer, by_batch: bool) -> None:
        choices = [(n, row) for n, held in self.batches.items() for row in held.rows]
        number, row = data.draw(st.sampled_from(choices))
        batch = number if by_batch else None
        label = LabelInput(item(row), answer, "ann", batch)
        request = f"l{self.requests}"
        self.requests += 1
        first, again = (
            record_labels(self.catalog, POOL, [label], request, now=self.now) for _ in range(2)
        )
        assert first == again
        old = self.answers.get(row)
        if old is not None and old.answer == answer and batch in (None, old.batch):
            assert first[0].event == old.event
            return
        self.events += 1
        assert first[0].event == self.events
        self.answers[row] = Given(answer, batch, self.events)
        self.leased.pop(row, None)
        for held in self.batches.values():
            if row in held.rows and not held.released and self.is_answered(held):
                held.done = True

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def retract(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(sorted(self.answers)))
        request = f"t{self.requests}"
        self.requests += 1
        first, again = (
            retract_label(self.catalog, POOL, item(row), "ann", request, self.now) for _ in range(2)
        )
        assert first == again
        self.events += 1
        assert (first.sequence, first.retracts) == (self.events, self.answers.pop(row).event)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        mine = [row for row, (holder, _) in self.active().items() if holder == number]
        is_open = self.state(number) is BatchState.OPEN
        _, released = release_batch(self.catalog, POOL, number, self.now)
        assert released == len(mine)
        if is_open:
            self.batches[number].released = True
            for row in mine:
                del self.leased[row]

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), minutes=st.integers(1, 10))
    def extend(self, data: st.DataObject, minutes: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        if self.state(number) is not BatchState.OPEN:
            return
        deadline = self.now + timedelta(minutes=minutes)
        extend_batch(self.catalog, POOL, number, timedelta(minutes=minutes), self.now)
        self.batches[number].expires = deadline
        for row, (holder, _) in self.active().items():
            if holder == number:
                self.leased[row] = (number, deadline)

    def is_answered(self, held: Held) -> bool:
        return all(row in self.answers for row in held.rows)

    def state(self, number: int) -> BatchState:
        held = self.batches[number]
        if held.released:
            return BatchState.RELEASED
        if held.done or not held.rows:
            return BatchState.DONE
        return BatchState.OPEN if held.expires > self.now else BatchState.EXPIRED

    @invariant()
    def batches_agree(self) -> None:
        for number, held in self.batches.items():
            batch = get_batch(self.catalog, POOL, number, self.now)
            assert batch.state is self.state(number)
            answered = [leased.rank for leased in batch.items if leased.answered]
            assert answered == [row for row in held.rows if row in self.answers]

    @invariant()
    def answers_agree(self) -> None:
        stored, watermark = effective_labels(self.catalog, POOL)
        assert {label.item_id: label.answer for label in stored} == {
            item(row): given.answer for row, given in self.answers.items()
        }
        assert watermark == self.events == len(list_label_events(self.catalog, POOL)[0])
        assert get_pool(self.catalog, POOL).spent == len(self.answers)


def test_leases_and_labels_follow_the_model(
    databases: Databases, migrated: str, tmp_path: Path
) -> None:
    catalog = Catalog(databases.copy(migrated))
    Leasing.databases, Leasing.seed, Leasing.folder = databases, catalog.url, tmp_path
    Leasing.seeded = seed_ranking(catalog, tmp_path, SIZE)
    catalog.close()
    run(
        Leasing,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    databases.drop(catalog.url)
