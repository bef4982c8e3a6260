from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, select, text
from sqlalchemy.exc import DBAPIError

from poolscore.access.caller import ANYBODY, Role, act_as
from poolscore.labels.answer import Label, LabelInput
from poolscore.store import batches, change_pool, runs
from poolscore.store.api_tokens import issue_token, revoke_token
from poolscore.store.audit import CHANGING, NO_POOL
from poolscore.store.audit_trail import read_trail
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.neighbour_graphs import set_graph
from poolscore.store.owners import owner_name
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import AuditEvent, Promotion, RunKind
from poolscore.store.retract_label import retract_label
from poolscore.store.run_queue import claim_run, heartbeat
from poolscore.store.snapshots import get_snapshot
from poolscore.store.tables import effective_answers, item_leases, metadata, neighbour_graphs
from tests.store_world import POOL, add_pool, item, register_ranking

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def trail(catalog: Catalog, pool_id: str = POOL) -> list[AuditEvent]:
    return list(read_trail(catalog, pool_id))


def test_the_trail_says_what_was_done_in_order(catalog: Catalog, ranking: LoadedRanking) -> None:
    batch = lease_batch(catalog, POOL, 2, "ann", HOUR, "r1", ranking, NOON)
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r1", ranking, NOON)  # a retry changes nothing
    batches.extend_batch(catalog, POOL, batch.number, HOUR * 2, NOON)
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), "ann")], "l1", now=NOON)
    retract_label(catalog, POOL, item(0), "ann", "l2", NOON)
    batches.release_batch(catalog, POOL, batch.number, NOON)
    lease_batch(catalog, POOL, 1, "bob", HOUR, "r2", ranking, NOON)
    lease_batch(catalog, POOL, 1, "bob", HOUR, "r3", ranking, NOON + HOUR)
    assert [(event.action, event.resource, event.request_id) for event in trail(catalog)] == [
        ("CREATE_POOL", "pools/pets", ""),
        ("ADD_SNAPSHOT", "pools/pets/snapshots/1", ""),
        ("ADD_PROMPT_VERSION", "pools/pets/promptVersions/0", ""),
        ("ADD_RANKING", "pools/pets/rankings/1", ""),
        ("ACTIVATE", "pools/pets/rankings/1", ""),
        ("LEASE_BATCH", "pools/pets/batches/1", "r1"),
        ("EXTEND_BATCH", "pools/pets/batches/1", ""),
        ("RECORD_LABELS", "pools/pets", "l1"),
        ("RETRACT_LABEL", "pools/pets/labelEvents/2", "l2"),
        ("RELEASE_BATCH", "pools/pets/batches/1", ""),
        ("LEASE_BATCH", "pools/pets/batches/2", "r2"),
        ("EXPIRE_LEASES", "pools/pets", ""),
        ("LEASE_BATCH", "pools/pets/batches/3", "r3"),
    ]
    assert [event.sequence for event in trail(catalog)] == list(range(1, 14))
    assert trail(catalog)[5].create_time == NOON
    assert trail(catalog)[5].facts == {
        "batches": [{"number": 1, "state": "OPEN", "expire_time": (NOON + HOUR).isoformat()}]
    }


def test_what_is_refused_leaves_no_event(catalog: Catalog, ranking: LoadedRanking) -> None:
    change_pool.update_pool(catalog, POOL, change_pool.PoolChange(budget=1))
    before = trail(catalog)
    with pytest.raises(Exception, match="has changed"):
        change_pool.delete_pool(catalog, POOL, etag="1")
    with pytest.raises(Exception, match="there is no batch"):
        batches.extend_batch(catalog, POOL, 7, HOUR)
    assert trail(catalog) == before


def test_runs_are_in_the_trail_without_their_signs_of_life(catalog: Catalog) -> None:
    add_pool(catalog)
    runs.start_run(catalog, POOL, RunKind.RESCORE, {}, "r")
    run = claim_run(catalog, [RunKind.RESCORE], "w")
    assert run is not None
    assert heartbeat(catalog, run, "w")
    change_pool.delete_pool(catalog, POOL)
    *_, start, take, delete = trail(catalog)
    assert [each.action for each in (start, take, delete)] == [
        "START_RUN",
        "TAKE_RUN",
        "DELETE_POOL",
    ]
    assert start.request_id == take.request_id == "r"
    stopped = {each["number"]: each["cancel_requested"] for each in delete.facts["runs"]}
    assert stopped == {1: True}


def test_who_did_it_is_the_holder_of_the_token_or_the_process(catalog: Catalog) -> None:
    token, record = issue_token(catalog, "ann", Role.ADMIN)
    act_as(record.caller)
    try:
        revoke_token(catalog, token.token_id)
    finally:
        act_as(ANYBODY)
    created, revoked = trail(catalog, NO_POOL)
    assert created.actor.endswith(owner_name("").partition("@")[2])
    assert created.token_id == ""
    assert (revoked.actor, revoked.token_id) == ("ann", token.token_id)
    assert token.secret not in repr((created, revoked))


def test_the_whole_trail_is_by_time(catalog: Catalog, ranking: LoadedRanking) -> None:
    issue_token(catalog, "ann", Role.READER)
    change_pool.delete_pool(catalog, POOL)
    actions = [event.action for event in read_trail(catalog)]
    assert actions[-2:] == ["CREATE_TOKEN", "DELETE_POOL"]
    assert [event.sequence for event in read_trail(catalog, POOL, after=4)] == [5, 6]
    with pytest.raises(Exception, match="--pool"):
        read_trail(catalog, after=4)
    with pytest.raises(Exception, match="there is no pool"):
        read_trail(catalog, "nowhere")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "DELETE FROM label_events WHERE sequence = 1",
        "UPDATE label_requests SET digest = ''",
        "UPDATE rankings SET seed = 1",
        "UPDATE prompt_versions SET digest = ''",
        "UPDATE batches SET annotator = 'bob'",
        "DELETE FROM batches",
        "UPDATE pools SET encoder_digest = ''",
        "DELETE FROM pools",
        "UPDATE runs SET spec = '{}'",
        "UPDATE api_tokens SET role = 'admin'",
        "DELETE FROM api_tokens",
    ],
)
def test_the_database_refuses_to_change_what_is_kept(
    catalog: Catalog, ranking: LoadedRanking, statement: str
) -> None:
    issue_token(catalog, "ann", Role.READER)
    runs.start_run(catalog, POOL, RunKind.RESCORE, {})
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r1", ranking, NOON)
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), "ann")], "l1", now=NOON)
    with pytest.raises(DBAPIError, match=r"never|kept"), catalog.write() as connection:
        connection.execute(text(statement))


def test_what_may_change_and_what_may_not_are_all_columns(
    catalog: Catalog, ranking: LoadedRanking, tmp_path: Path
) -> None:
    """What the database lets change is in the trail, or follows from it."""
    issue_token(catalog, "ann", Role.READER)
    runs.start_run(catalog, POOL, RunKind.RESCORE, {})
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r1", ranking, NOON, classes=["cat"])
    record_labels(catalog, POOL, [LabelInput(item(0), Label("cat"), "ann")], "l1", now=NOON)
    promotion = Promotion(True, "why", 0)
    add_prompt_version(catalog, POOL, "e" * 64, "e", 1, 1, 0, {}, promotion=promotion)
    set_graph(catalog, get_snapshot(catalog, POOL, 1), "g", "e" * 64, 5, {})
    register_ranking(catalog, tmp_path, 3, aside=True)
    for table in metadata.sorted_tables:
        allowed = {column.name for column in table.c if may_change(catalog, column)}
        if table in (item_leases, effective_answers, neighbour_graphs):
            assert allowed == set(table.c.keys())  # rows of these also go
        else:
            assert allowed == set(CHANGING.get(table, ())), table.name


def may_change(catalog: Catalog, column: Column[Any]) -> bool:
    try:
        with catalog.write() as connection:
            changed = connection.execute(column.table.update().values({column: column})).rowcount
            assert changed, f"{column.table} has no row"
    except DBAPIError:
        return False
    return True


def test_an_expired_lease_is_swept_once(catalog: Catalog, ranking: LoadedRanking) -> None:
    lease_batch(catalog, POOL, 2, "ann", HOUR, "r1", ranking, NOON)
    for request in ("r2", "r3"):
        lease_batch(catalog, POOL, 1, "bob", HOUR, request, ranking, NOON + HOUR)
    with catalog.read() as connection:
        assert len(connection.execute(select(item_leases)).all()) == 2
    assert [event.action for event in trail(catalog)].count("EXPIRE_LEASES") == 1
