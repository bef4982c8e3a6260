from collections.abc import Generator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poolscore.access.caller import Role
from poolscore.errors import FailedPreconditionError, NotFoundError, PoolscoreError
from poolscore.labels.answer import Abstain, Candidates, Label, LabelInput
from poolscore.store import change_pool, run_queue, runs
from poolscore.store.api_tokens import issue_token, list_tokens, revoke_token
from poolscore.store.audit import Action
from poolscore.store.audit_trail import read_trail
from poolscore.store.batches import extend_batch, release_batch
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.migrate import downgrade, upgrade
from poolscore.store.neighbour_graphs import set_graph
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import activate
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Promotion, RunKind, RunProgress, RunState
from poolscore.store.retract_label import retract_label
from poolscore.store.snapshots import get_snapshot
from poolscore.store.tables import audit_events, effective_answers, item_leases, pools
from tests import old_rows
from tests.catalog_replay import replayed
from tests.databases import Databases
from tests.store_world import POOL, add_pool, item, load, register_ranking, seed_ranking

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIZE = 8


@pytest.fixture
def empty(databases: Databases, migrated: str) -> Generator[Catalog]:
    catalog = Catalog(databases.copy(migrated))
    yield catalog
    catalog.close()
    databases.drop(catalog.url)


class World:
    """Everything that changes a catalog, in any order; what is refused is no error."""

    def __init__(self, catalog: Catalog, folder: Path, ranking: LoadedRanking) -> None:
        self.catalog, self.folder, self.ranking = catalog, folder, ranking
        self.now, self.calls = NOON, 0

    def do(self, name: str, number: int) -> None:
        self.calls += 1
        with suppress(PoolscoreError):
            getattr(self, f"_{name}")(number)

    NAMES = (
        "lease",
        "extend",
        "release",
        "wait",
        "answer",
        "retract",
        "update",
        "delete",
        "run",
        "work",
        "cancel",
        "train",
        "rank",
        "graph",
        "token",
    )

    def _lease(self, number: int) -> None:
        who, focus = f"ann{number % 2}", ("cat",) if number % 3 == 0 else ()
        lease_batch(
            self.catalog,
            POOL,
            1 + number % 3,
            who,
            HOUR,
            f"r{self.calls}",
            self.ranking,
            self.now,
            classes=focus,
        )

    def _extend(self, number: int) -> None:
        extend_batch(self.catalog, POOL, number, HOUR, self.now)

    def _release(self, number: int) -> None:
        release_batch(self.catalog, POOL, number, self.now)

    def _wait(self, number: int) -> None:
        self.now += timedelta(minutes=10 * number)

    def _answer(self, number: int) -> None:
        said = (Label("cat"), Candidates(("cat", "dog")), Abstain("dark"), Label("nothing"))
        inputs = [
            LabelInput(item((number + each) % SIZE), said[(number + each) % 4], f"ann{number % 2}")
            for each in range(1 + number % 2)
        ]
        record_labels(
            self.catalog,
            POOL,
            inputs,
            f"l{self.calls}",
            known_items=lambda ids: [True] * len(ids),
            now=self.now,
        )

    def _retract(self, number: int) -> None:
        for who in ("ann0", "ann1"):
            with suppress(NotFoundError):
                retract_label(self.catalog, POOL, item(number % SIZE), who, None, self.now)

    def _update(self, number: int) -> None:
        change = (
            change_pool.PoolChange(budget=number, display_name=f"n{number}"),
            change_pool.PoolChange(classes=["cat", "dog", "bird", f"c{number}"]),
            change_pool.PoolChange(strategy="margin", train_after_labels=number),
        )[number % 3]
        change_pool.update_pool(self.catalog, POOL, change)

    def _delete(self, number: int) -> None:
        if number % 2:
            change_pool.delete_pool(self.catalog, POOL)
        change_pool.undelete_pool(self.catalog, POOL)

    def _run(self, number: int) -> None:
        kind = (RunKind.RESCORE, RunKind.EMBED, RunKind.TRAIN)[number % 3]
        runs.start_run(self.catalog, POOL, kind, {"sources": [str(number % 2)]}, f"run{self.calls}")

    def _work(self, number: int) -> None:
        run = run_queue.claim_run(self.catalog, list(RunKind), "worker")
        if run is None:
            return
        if run.kind is RunKind.TRAIN:
            digest = f"{self.calls:064d}"
            add_prompt_version(self.catalog, POOL, digest, "p", 0, number, 0, {}, run=run)
        progress = RunProgress(total=9, done=number)
        run_queue.heartbeat(self.catalog, run, "worker", progress)
        if number % 3:
            state = RunState.SUCCEEDED if number % 2 else RunState.FAILED
            run_queue.finish_run(self.catalog, run, "worker", state, "why", progress=progress)

    def _cancel(self, number: int) -> None:
        runs.cancel_run(self.catalog, POOL, number)

    def _train(self, number: int) -> None:
        promotion = Promotion(bool(number % 2), "why", 0, 10, 0.5, 0.25) if number % 3 else None
        digest = f"{self.calls:064d}"
        add_prompt_version(
            self.catalog, POOL, digest, "p", 0, number, 0, {"a": 0.1}, promotion=promotion
        )

    def _rank(self, number: int) -> None:
        made = register_ranking(self.catalog, self.folder, SIZE, aside=number % 2 == 0)
        if number % 2:
            activate(self.catalog, POOL, 1, 0, made.number)
            self.ranking = load(self.folder, made)

    def _graph(self, number: int) -> None:
        snapshot = get_snapshot(self.catalog, POOL, 1)
        set_graph(self.catalog, snapshot, f"g{number}", "e" * 64, 5, {"recall": 0.5})

    def _token(self, number: int) -> None:
        issue_token(self.catalog, "ann", Role.READER, [POOL] if number % 2 else None, HOUR)
        revoke_token(self.catalog, list_tokens(self.catalog)[0].token_id)


STEPS = st.lists(st.tuples(st.sampled_from(World.NAMES), st.integers(1, 9)), max_size=40)


def test_any_history_gives_the_same_state_again(
    databases: Databases, migrated: str, tmp_path: Path
) -> None:
    seeded = Catalog(databases.copy(migrated))
    ranking = seed_ranking(seeded, tmp_path, SIZE)
    seeded.close()

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(STEPS)
    def run(steps: list[tuple[str, int]]) -> None:
        catalog, target = Catalog(databases.copy(seeded.url)), Catalog(databases.copy(migrated))
        world = World(catalog, tmp_path, load(tmp_path, ranking.record))
        for name, number in steps:
            world.do(name, number)
        try:
            assert replayed(catalog, target) == []
        finally:
            for each in (catalog, target):
                each.close()
                databases.drop(each.url)

    run()
    databases.drop(seeded.url)


def test_every_kind_of_change_is_replayed(
    catalog: Catalog, ranking: LoadedRanking, empty: Catalog, tmp_path: Path
) -> None:
    world, draw = World(catalog, tmp_path, ranking), Random(5)
    for _ in range(20):
        for name in World.NAMES:
            world.do(name, draw.randint(1, 9))
    done = {event.action for event in read_trail(catalog)}
    assert {*Action} - done == {Action.BEGIN_TRAIL}
    assert replayed(catalog, empty) == []
    assert get_pool(empty, POOL) == get_pool(catalog, POOL)


def test_an_older_catalog_begins_its_trail_with_its_state(
    catalog: Catalog, ranking: LoadedRanking, empty: Catalog, tmp_path: Path
) -> None:
    downgrade(catalog, "0005")
    upgrade(catalog)
    world = World(catalog, tmp_path, ranking)
    for name in World.NAMES * 2:
        world.do(name, world.calls % 9 + 1)
    downgrade(catalog, "0005")
    upgrade(catalog)
    for name in World.NAMES:
        world.do(name, world.calls % 9 + 1)
    assert replayed(catalog, empty) == []


def test_a_catalog_of_the_first_version_can_be_replayed(catalog: Catalog, empty: Catalog) -> None:
    downgrade(catalog, "0001")
    with catalog.write() as connection:
        for statement in old_rows.FIRST:
            connection.exec_driver_sql(statement)
    upgrade(catalog)
    assert replayed(catalog, empty) == []


@pytest.mark.parametrize(
    ("change", "table"),
    [
        (pools.update().values(spent=7), "pools"),
        (item_leases.delete(), "item_leases"),
        (effective_answers.delete(), "effective_answers"),
    ],
)
def test_a_change_past_the_trail_shows(
    catalog: Catalog, ranking: LoadedRanking, empty: Catalog, change: Any, table: str
) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r", ranking, NOON)
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), "ann")], "l", now=NOON)
    with catalog.write() as connection:
        connection.execute(change)
    assert {each.table for each in replayed(catalog, empty)} == {table}


def test_a_missing_event_is_named(catalog: Catalog, empty: Catalog) -> None:
    add_pool(catalog)
    with catalog.write() as connection:
        made = connection.execute(audit_events.select()).mappings().one()
        connection.execute(audit_events.insert(), dict(made) | {"sequence": 3})
    with pytest.raises(FailedPreconditionError, match="event 2 is missing") as caught:
        replayed(catalog, empty)
    assert caught.value.reason == "TRAIL_BROKEN"


def test_an_item_that_was_leased_twice_is_named(
    catalog: Catalog, ranking: LoadedRanking, empty: Catalog
) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r", ranking, NOON)
    with catalog.write() as connection:
        connection.execute(item_leases.delete())
    fresh = LoadedRanking(ranking.table, ranking.record)  # without its memory of what is taken
    lease_batch(catalog, POOL, 2, "bob", HOUR, "s", fresh, NOON)
    with pytest.raises(FailedPreconditionError, match=f"item '{item(0)}' was leased already"):
        replayed(catalog, empty)
