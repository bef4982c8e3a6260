import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, text

from poolscore.access.caller import Role
from poolscore.errors import FailedPreconditionError
from poolscore.integrity.finding import Rule
from poolscore.integrity.verify import SHOWN, Report, check_catalog, verify_store
from poolscore.labels.answer import Label, LabelInput
from poolscore.store.api_tokens import issue_token
from poolscore.store.backup import export_catalog, import_catalog
from poolscore.store.catalog import Catalog
from poolscore.store.leases import lease_batch
from poolscore.store.migrate import downgrade
from poolscore.store.neighbour_graphs import set_graph
from poolscore.store.pools import get_pool
from poolscore.store.ranking_file import LoadedRanking, read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Promotion
from poolscore.store.retract_label import retract_label
from poolscore.store.shards import WRITE_OPTIONS
from poolscore.store.snapshots import get_snapshot
from tests.databases import Databases
from tests.ranked_pool import RankedPool

HOUR = timedelta(hours=1)


class UndoError(Exception):
    """Ends a transaction as if it had not been."""


def ranking_of(world: RankedPool, number: int) -> LoadedRanking:
    return read_ranking(*world.store, get_ranking(world.catalog, "p", number))


def new_world(folder: Path) -> RankedPool:
    """A pool with some of everything: leases, answers, a version that was promoted, a graph."""
    world = RankedPool(folder)
    catalog = world.catalog
    batch = lease_batch(catalog, "p", 4, "ann", HOUR, "r", ranking_of(world, 1))
    known = get_pool(catalog, "p").classes[0]
    for item in batch.items[:2]:
        world.answer(item.item_id, Label(known))
    retract_label(catalog, "p", batch.items[1].item_id, "ann")
    world.add_version(Promotion(True, "why", 0))
    world.rank(prompt_version=1)
    (Path(world.root) / "graph").write_bytes(b"graph")
    digest = sha256(b"graph").hexdigest()
    set_graph(catalog, get_snapshot(catalog, "p", 2), "graph", digest, 5, {})
    issue_token(catalog, "ann", Role.READER)
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RankedPool:
    return new_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def backup(world: RankedPool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "catalog.zip"
    export_catalog(world.catalog, world.store, file)
    return file


def broken(
    catalog: Catalog, world: RankedPool, *, quick: bool = True
) -> list[tuple[Rule, str, str]]:
    report = verify_store(catalog, world.store, quick=quick)
    assert all(each.advice for each in report.findings)
    return [(each.rule, each.where, each.what) for each in report.findings]


@pytest.mark.parametrize("quick", [True, False])
def test_a_whole_store_has_nothing_broken(world: RankedPool, quick: bool) -> None:
    told: list[tuple[str, int, int]] = []
    report = verify_store(
        world.catalog, world.store, quick=quick, progress=lambda *at: told.append(at)
    )
    assert report.findings == []
    assert report.looked_at == {
        "pools": 1,
        "batches": 1,
        "label events": 3,
        "audit events": 16,
        "prompt versions": 2,
        "snapshots": 2,
        "rankings": 2,
        "neighbour graphs": 1,
    }
    assert told[0] == ("pools", 0, 1)
    assert told[-1] == ("files", 7, 7)


@pytest.fixture(scope="module")
def restored(
    databases: Databases, migrated: str, world: RankedPool, backup: Path
) -> Generator[Catalog]:
    """The catalog of the world, in a database of either kind."""
    catalog = Catalog(databases.copy(migrated))
    import_catalog(backup, catalog, world.store)
    yield catalog
    catalog.close()
    databases.drop(catalog.url)


def tamper(connection: Connection, statement: str) -> None:
    """Change rows as the database would not let anybody."""
    if connection.dialect.name == "sqlite":
        triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for name in connection.scalars(triggers).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    else:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    assert connection.execute(text(statement)).rowcount > 0


@pytest.mark.parametrize(
    ("statement", "rule", "where", "what"),
    [
        (
            "UPDATE pools SET active_ranking = 1",
            Rule.ACTIVE,
            "pools/p",
            "its active ranking 1 is of snapshot 2 and prompt version 0, active are 2 and 1",
        ),
        (
            "UPDATE pools SET active_snapshot = 9",
            Rule.ACTIVE,
            "pools/p",
            "its active snapshot is 9: there is none",
        ),
        (
            "UPDATE pools SET spent = 9",
            Rule.BUDGET,
            "pools/p",
            "9 labels are noted as spent; the answers in force cost 1",
        ),
        (
            "UPDATE pools SET display_name = 'x'",
            Rule.TRAIL,
            "pools/p",
            "the row p of pools was changed past the audit trail: display_name",
        ),
        (
            "UPDATE rankings SET prompt_version = 7 WHERE number = 1",
            Rule.PROVENANCE,
            "pools/p/rankings/1",
            "there is no prompt version 7",
        ),
        (
            "UPDATE rankings SET snapshot = 7 WHERE number = 1",
            Rule.PROVENANCE,
            "pools/p/rankings/1",
            "there is no snapshot 7",
        ),
        (
            "UPDATE rankings SET encoder_digest = 'x' WHERE number = 1",
            Rule.EMBEDDING,
            "pools/p/rankings/1",
            "it is of another encoder than its snapshot",
        ),
        (
            "UPDATE snapshots SET encoder_digest = 'x' WHERE number = 1",
            Rule.EMBEDDING,
            "pools/p/snapshots/1",
            "it is of another encoder than the pool",
        ),
        (
            "UPDATE prompt_versions SET label_watermark = 9 WHERE number = 1",
            Rule.LABELS,
            "pools/p/promptVersions/1",
            "it learned from label event 9; the newest one is 3",
        ),
        (
            "UPDATE prompt_versions SET parent = 5 WHERE number = 1",
            Rule.PROVENANCE,
            "pools/p/promptVersions/1",
            "it was made from version 5, which is not before it",
        ),
        (
            "DELETE FROM promotions",
            Rule.PROMOTION,
            "pools/p/promptVersions/1",
            "it was activated, and never compared with the version before on held-out labels",
        ),
        (
            "DELETE FROM label_events WHERE sequence = 1",
            Rule.LABELS,
            "pools/p/labelEvents",
            "2 rows are numbered from 2 to 3: some are missing",
        ),
        (
            "DELETE FROM label_events WHERE sequence = 3",
            Rule.LABELS,
            "pools/p",
            "was told of label event 3, which is not there",
        ),
        (
            "UPDATE label_events SET retracts = 1 WHERE sequence = 3",
            Rule.LABELS,
            "pools/p/labelEvents/3",
            "it takes back event 1, which is no earlier answer of its annotator",
        ),
        (
            "DELETE FROM effective_answers",
            Rule.LABELS,
            "pools/p/labelEvents/1",
            "this event follows from the label events, and is not in force",
        ),
        (
            "UPDATE effective_answers SET sequence = 2",
            Rule.LABELS,
            "pools/p/labelEvents/2",
            "this event is in force, and does not follow from the label events",
        ),
        (
            "INSERT INTO item_leases SELECT pool_id, item_id, 1, (SELECT expire_time FROM batches) "
            "FROM effective_answers",
            Rule.LEASES,
            "pools/p/batches/1",
            "is leased and has an answer in force, event 1",
        ),
        (
            "INSERT INTO item_leases SELECT pool_id, 'none', 1, expire_time FROM batches",
            Rule.LEASES,
            "pools/p/batches/1",
            "item 'none' is leased by this batch, which does not have it",
        ),
        ("DELETE FROM item_leases", Rule.LEASES, "pools/p", "of item_leases is missing"),
        (
            "UPDATE batches SET state = 'RELEASED'",
            Rule.LEASES,
            "pools/p/batches/1",
            "is leased by this batch, which is RELEASED",
        ),
        (
            "UPDATE batches SET expire_time = lease_time",
            Rule.LEASES,
            "pools/p/batches/1",
            "which ends at another time",
        ),
        (
            "UPDATE batches SET ranking = 9",
            Rule.PROVENANCE,
            "pools/p/batches/1",
            "there is no ranking 9 of its prompt version",
        ),
        (
            "INSERT INTO effective_answers SELECT pool_id, item_id, 1 FROM batch_items "
            "WHERE item_id NOT IN (SELECT item_id FROM effective_answers)",
            Rule.LEASES,
            "pools/p/batches/1",
            "it is open, and all its items are answered",
        ),
        (
            "DELETE FROM audit_events WHERE sequence = 4",
            Rule.TRAIL,
            "pools/p",
            "event 4 is missing before it",
        ),
        ("DELETE FROM api_tokens", Rule.TRAIL, "tokens", "api_tokens has no row"),
    ],
)
def test_rows_that_do_not_fit_are_named(
    restored: Catalog, statement: str, rule: Rule, where: str, what: str
) -> None:
    report = Report()
    with suppress(UndoError), restored.write() as connection:
        tamper(connection, statement)
        check_catalog(connection, report)
        raise UndoError
    found = [(each.rule, each.where, each.what) for each in report.findings]
    assert any(each[:2] == (rule, where) and what in each[2] for each in found), found


def first(world: RankedPool, pattern: str) -> Path:
    return min(Path(world.root).rglob(pattern))


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def replace_column(path: Path, name: str, change: Callable[[pa.Array], pa.Array]) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    column = change(table.column(name).combine_chunks())
    pq.write_table(table.set_column(place, field, column), path, **WRITE_OPTIONS)


def repeat_an_id(path: Path) -> None:
    replace_column(path, "id", lambda ids: pa.array([ids[0].as_py(), *ids[:-1].to_pylist()]))


def spoil_embeddings(path: Path) -> None:
    def change(column: pa.Array) -> pa.Array:
        nan = np.full(column.type.byte_width // 2, np.nan, np.float16).tobytes()
        return pa.array([nan, *column[1:].to_pylist()], column.type)

    replace_column(path, "embedding", change)


def lose_a_row(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path, **WRITE_OPTIONS)


@pytest.mark.parametrize(
    ("pattern", "change", "rule", "where", "what", "seen_quickly"),
    [
        ("run-1.json", Path.unlink, Rule.SNAPSHOT, "snapshots/1", "the file store has no", True),
        ("run-1.json", spoil, Rule.SNAPSHOT, "snapshots/1", "not what was committed", True),
        ("s2-0.parquet", Path.unlink, Rule.SNAPSHOT, "snapshots/2", "is missing", True),
        ("s2-0.parquet", lose_a_row, Rule.SNAPSHOT, "snapshots/2", "has 9 rows", False),
        ("s2-0.parquet", repeat_an_id, Rule.SNAPSHOT, "snapshots/2", "more than once", False),
        ("s2-0.parquet", spoil_embeddings, Rule.SNAPSHOT, "snapshots/2", "not finite", False),
        ("*.safetensors", Path.unlink, Rule.PROVENANCE, "promptVersions/", "is missing", True),
        ("*.safetensors", spoil, Rule.PROVENANCE, "promptVersions/", "was changed", True),
        ("rankings/*", Path.unlink, Rule.PROVENANCE, "rankings/", "is missing", True),
        ("rankings/*", spoil, Rule.PROVENANCE, "rankings/", "not what was registered", False),
        ("graph", Path.unlink, Rule.PROVENANCE, "snapshots/2", "is missing", True),
        ("graph", spoil, Rule.PROVENANCE, "snapshots/2", "was changed", False),
    ],
)
def test_files_that_are_not_as_registered_are_named(
    tmp_path: Path,
    pattern: str,
    change: Callable[[Path], None],
    rule: Rule,
    where: str,
    what: str,
    seen_quickly: bool,
) -> None:
    world = new_world(tmp_path)
    change(first(world, pattern))
    found = broken(world.catalog, world, quick=False)
    assert found
    for each in found:
        assert each[0] is rule
        assert each[1].startswith(f"pools/p/{where}")
        assert what in each[2]
    assert bool(broken(world.catalog, world)) is seen_quickly


def test_many_findings_of_a_kind_are_counted(
    world: RankedPool, backup: Path, tmp_path: Path
) -> None:
    catalog = Catalog.open(f"sqlite:///{tmp_path}/catalog.db")
    import_catalog(backup, catalog, world.store)
    rows = ", ".join(f"('p', 'i{row}', 1, '2030-01-01 00:00:00.000000')" for row in range(50))
    with catalog.write() as connection:
        tamper(connection, f"INSERT INTO item_leases VALUES {rows}")
    report = verify_store(catalog, world.store, quick=True)
    assert len(report.findings) == 2 * SHOWN  # by the leases' own check, and by the trail
    assert report.more == 2 * (50 - SHOWN)


def test_nothing_is_broken_while_others_write(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    stop = threading.Event()
    ranking = ranking_of(world, 2)
    known = get_pool(world.catalog, "p").classes[0]

    def write() -> None:
        catalog = Catalog(world.catalog.url)
        while not stop.is_set():
            batch = lease_batch(catalog, "p", 1, "bob", HOUR, None, ranking)
            for item in batch.items:
                record_labels(catalog, "p", [LabelInput(item.item_id, Label(known), "bob")], None)
                retract_label(catalog, "p", item.item_id, "bob")
        catalog.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            assert broken(world.catalog, world, quick=False) == []
    finally:
        stop.set()
        writer.join()


def test_an_older_catalog_is_not_changed(tmp_path: Path) -> None:
    catalog = Catalog.open(f"sqlite:///{tmp_path}/catalog.db")
    downgrade(catalog, "0005")
    with pytest.raises(FailedPreconditionError, match="does not have the schema") as caught:
        verify_store(catalog, RankedPool(tmp_path / "other").store)
    assert caught.value.reason == "CATALOG_TOO_OLD"
