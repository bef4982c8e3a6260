"""Random histories of leases, answers, releases and time, against a model in a few dictionaries."""

import shutil
import tempfile
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
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import BatchState
from tests.store_world import POOL, item, load, open_catalog, seed_ranking

SIZE = 12
ANSWERS: Sequence[Answer] = (Label("cat"), Label("dog"), Abstain())


@dataclass
class Held:
    """A batch as the model knows it."""

    rows: list[int]
    expires: datetime
    released: bool = False


@dataclass
class Given:
    """The answer in force for an item as the model knows it."""

    answer: Answer
    batch: int | None
    event: int


class Leasing(RuleBasedStateMachine):
    seed: Path
    """Folder with a seeded catalog, copied for every history."""
    seeded: LoadedRanking

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.seed, self.folder, dirs_exist_ok=True)
        # Two views with their own memory of the position, as in two processes.
        catalogs = [open_catalog(self.folder) for _ in range(2)]
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
        shutil.rmtree(self.folder)

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

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.batches)))
        mine = [row for row, (holder, _) in self.active().items() if holder == number]
        _, released = release_batch(self.catalog, POOL, number, self.now)
        assert released == len(mine)
        if mine:
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

    def state(self, number: int) -> BatchState:
        held = self.batches[number]
        if held.released:
            return BatchState.RELEASED
        if all(row in self.answers for row in held.rows):
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


def test_leases_and_labels_follow_the_model(tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    seed.mkdir()
    catalog = open_catalog(seed)
    Leasing.seeded = seed_ranking(catalog, seed, SIZE)
    Leasing.seed = seed
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
