"""Random histories of the service, with crashes, against a pool in memory.

Replicas and trainers are processes that work on one catalog, some of them at the same time, and are
killed at any moment of a call. After every step the tables hold what the model says.

`POOLSCORE_HISTORIES` says how many histories there are, 500 by default.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from hypothesis.stateful import run_state_machine_as_test as run

from poolscore.labels.answer import Abstain, Answer, Candidates, Label
from poolscore.store.catalog import Catalog
from poolscore.store.catalog_url import is_sqlite
from poolscore.store.change_pool import delete_pool
from tests.databases import Databases
from tests.integration.services.model import calls
from tests.integration.services.model.calls import Call, Said, TrainNext, read_answer
from tests.integration.services.model.commands import Broken
from tests.integration.services.model.explain import Seen, explain
from tests.integration.services.model.forked import Forked, forking
from tests.integration.services.model.pool_model import PoolModel
from tests.integration.services.model.view import check, pass_time, view_in, view_of
from tests.integration.services.model.world import ITEMS, SIZE, TRAIN_AFTER
from tests.seeding import seed_pool

HISTORIES = int(os.environ.get("POOLSCORE_HISTORIES", "500"))
POSTGRESQL_SHARE = 0.08
STEPS = 12


@dataclass(frozen=True)
class Crash:
    """When a process dies: at an event of its database, or so many microseconds after the call."""

    event: int = 0
    after_us: int | None = None


def _crash(number: int) -> Crash:
    """One of five processes dies."""
    if number < 120:
        return Crash()
    return Crash(event=number - 119) if number < 140 else Crash(after_us=400 * (number - 140))


# Nothing that is drawn depends on how a race ended, so that a history can be repeated: what there
# is to be answered or released is looked up afterwards (`Call.aimed`).
crashes = st.integers(0, 149).map(_crash)
annotators = st.sampled_from(["ann", "bob"])
batches = st.integers(0, 11)
minutes = st.integers(1, 10)
items = st.sampled_from([*ITEMS, "no-such-item"])
answers: st.SearchStrategy[Answer] = st.sampled_from(
    [Label("cat"), Label("dog"), Candidates(("cat", "owl")), Abstain("dark"), Label("unicorn")]
)
said = st.builds(
    Said, items, answers, st.sampled_from(["ann", "bob", ""]), st.one_of(batches, st.none())
)
requests = st.uuids(version=4).map(lambda made: made.hex)
leases = st.builds(
    calls.Lease,
    st.integers(1, 4),
    annotators,
    minutes,
    st.sampled_from([(), (), (), ("cat",), ("dog", "owl"), ("unicorn",)]),
    requests,
)
submits = st.builds(calls.Submit, st.lists(said, min_size=1, max_size=4).map(tuple), requests)
extends = st.builds(calls.Extend, batches, minutes)
releases = st.builds(calls.Release, batches)
retracts = st.builds(calls.Retract, items, annotators, requests)
trainings = st.builds(calls.QueueTraining, requests)
activations = st.builds(calls.Activate, st.integers(0, 11))
budgets = st.builds(calls.SetBudget, st.sampled_from([0, 2, 4, 6]))
any_call = st.one_of(
    leases, leases, submits, submits, extends, releases, retracts, trainings, activations, budgets
)


Work = tuple[str, Call, Crash]
"""The name of a process, what it is told, and when it dies of it."""


class Histories(RuleBasedStateMachine):
    """One history."""

    catalog: Catalog
    """Of all histories; each has a pool of its own in it."""
    store_uri: str
    numbers: Iterator[int]
    fork: str
    """Place to fork processes from."""
    processes: dict[str, Forked]

    def __init__(self) -> None:
        super().__init__()
        self.pool = f"history-{next(self.numbers)}"
        seed_pool(
            self.catalog, self.store_uri, self.pool, items=SIZE, train_after_labels=TRAIN_AFTER
        )
        self.model = PoolModel()
        self.asked: list[Call] = []

    def teardown(self) -> None:
        delete_pool(self.catalog, self.pool)  # its runs are nobody's any more

    @rule(call=leases, crash=crashes)
    def lease(self, call: Call, crash: Crash) -> None:
        self.ask(call, crash)

    @rule(call=submits, crash=crashes)
    def label(self, call: Call, crash: Crash) -> None:
        self.ask(call.aimed(self.model), crash)

    @rule(call=any_call, crash=crashes, again=st.booleans())
    def call(self, call: Call, crash: Crash, again: bool) -> None:
        call = call.aimed(self.model)
        self.ask(call, crash)
        if again:
            self.ask(call, Crash(), "replica 1")

    @rule(number=st.integers(0, 30), crash=crashes)
    def retry(self, number: int, crash: Crash) -> None:
        if self.asked:
            self.ask(self.asked[number % len(self.asked)], crash)

    @rule(several=st.lists(any_call, min_size=2, max_size=3), crash=crashes)
    def calls_at_once(self, several: list[Call], crash: Crash) -> None:
        crashing = [crash] + [Crash()] * (len(several) - 1)
        aimed = [call.aimed(self.model) for call in several]
        names = [f"replica {number}" for number in range(len(several))]
        self.do(list(zip(names, aimed, crashing, strict=True)))

    @rule(call=any_call, crash=crashes)
    def the_same_request_at_once(self, call: Call, crash: Crash) -> None:
        if call.request_id:
            call = call.aimed(self.model)
            self.do([("replica 0", call, crash), ("replica 1", call, Crash())])

    @rule(call=leases, answers=st.lists(answers, min_size=1, max_size=4), crash=crashes)
    def lease_and_label(self, call: calls.Lease, answers: list[Answer], crash: Crash) -> None:
        self.ask(call, Crash())
        number = len(self.model.batches) - 1
        answered = tuple(Said(ITEMS[0], answer, "", number) for answer in answers)
        request = f"{call.request_id}-labels"
        self.ask(calls.Submit(answered, request).aimed(self.model), crash)

    @rule(
        kind=st.sampled_from(["asked for", "due", "beside a call", "two trainers"]),
        call=st.one_of(leases, submits, activations),
        request=requests,
        crash=crashes,
    )
    def train(self, kind: str, call: Call, request: str, crash: Crash) -> None:
        training = TrainNext(self.process("trainer").pid)
        others: list[Work] = []
        match kind:
            case "beside a call":
                others = [("replica 0", call.aimed(self.model), Crash())]
            case "two trainers":
                crash = Crash()
                others = [("other", TrainNext(self.process("other").pid), crash)]
            case "asked for":
                self.ask(calls.QueueTraining(request), Crash())
            case _:
                pass
        self.do([("trainer", training, crash), *others])

    @rule(number=st.integers(0, 2))
    def crash_a_replica(self, number: int) -> None:
        self.kill(f"replica {number}")

    @rule(length=minutes)
    def wait(self, length: int) -> None:
        pass_time(self.catalog, self.pool, length)
        self.model.now += length
        self.compare([])

    def ask(self, call: Call, crash: Crash, replica: str = "replica 0") -> None:
        """One call, alone."""
        self.do([(replica, call, crash)])

    def do(self, work: Sequence[Work]) -> None:
        """Have calls done at the same time, and compare."""
        processes = [self.process(name) for name, _, _ in work]
        for process, (_, call, crash) in zip(processes, work, strict=True):
            process.begin(call.command(self.pool, crash.event))
            if crash.after_us is not None:
                time.sleep(crash.after_us / 1e6)
        for process, (name, _, crash) in zip(processes, work, strict=True):
            if crash.after_us is not None:
                process.kill()
                del self.processes[name]
        # All of them before the first check: what nobody reads would answer the next call.
        given = [
            None if crash.after_us is not None else process.result()
            for process, (_, _, crash) in zip(processes, work, strict=True)
        ]
        seen: list[Seen] = []
        for process, answer, (name, call, crash) in zip(processes, given, work, strict=True):
            assert not isinstance(answer, Broken), answer.traceback
            if answer is None:
                assert crash != Crash(), f"{name} has died by itself"
                self.processes.pop(name, None)
                self.model.dead |= {process.pid} if isinstance(call, TrainNext) else set()
            seen.append(Seen(call, None if answer is None else read_answer(call, answer)))
        self.asked += [call for _, call, _ in work if call.request_id]
        self.compare(seen)

    def compare(self, seen: Sequence[Seen]) -> None:
        """Find the model that the service is equal to now."""
        view = view_in(self.catalog, self.pool)
        check(view)
        found = explain(self.model, seen, view)
        assert found is not None, {"before": view_of(self.model), "seen": seen, "after": view}
        self.model = found

    def process(self, name: str) -> Forked:
        """The process of this name, a new one if it is dead."""
        if name not in self.processes:
            self.processes[name] = Forked(self.fork)
        return self.processes[name]

    def kill(self, name: str) -> None:
        """Kill a process that does nothing."""
        if name in self.processes:
            self.processes.pop(name).kill()


@pytest.mark.timeout(3600)
def test_the_service_is_equal_to_a_model(
    databases: Databases, migrated: str, tmp_path: Path
) -> None:
    Histories.catalog, Histories.store_uri = Catalog(databases.copy(migrated)), f"{tmp_path}/store"
    Histories.numbers, Histories.processes = count(), {}
    share = 1 if is_sqlite(Histories.catalog.url) else POSTGRESQL_SHARE
    with forking(tmp_path, Histories.catalog.url, Histories.store_uri) as Histories.fork:
        run(
            Histories,
            settings=settings(
                max_examples=max(1, int(share * HISTORIES)),
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        for process in Histories.processes.values():
            process.kill()
    Histories.catalog.close()
    databases.drop(Histories.catalog.url)
