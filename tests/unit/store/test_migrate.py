import re
from collections.abc import Sequence
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from poolscore.errors import FailedPreconditionError
from poolscore.labels.answer import Abstain, Label, LabelInput
from poolscore.store import runs
from poolscore.store.annotator_answers import newest_answers
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import delete_pool
from poolscore.store.engine import make_engine
from poolscore.store.label_events import list_label_events
from poolscore.store.migrate import downgrade, upgrade
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.ranking_file import LoadedRanking
from poolscore.store.rankings import get_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import PoolCounts, RunKind
from poolscore.store.retract_label import retract_label
from poolscore.store.tables import metadata
from tests import old_rows
from tests.databases import Databases
from tests.store_world import POOL, add_pool, item

# Without triggers: only migrations make those.
SQLITE_SCHEMA = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type != 'trigger'"
POSTGRESQL_SCHEMA = """
SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, is_nullable,
    collation_name, column_default) FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype != 'n'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


def schema(connection: Connection) -> list[str]:
    """Every column, constraint and index, with the order of columns and constraints left out."""
    if connection.dialect.name != "sqlite":
        found = connection.scalars(text(POSTGRESQL_SCHEMA))
        return sorted(each for each in found if "alembic_version" not in each)
    # Between the outer brackets, parts are separated by the commas that are in no others.
    texts: list[str] = []
    for statement in connection.scalars(text(SQLITE_SCHEMA)):
        if not statement.startswith("CREATE TABLE"):
            texts.append(statement)
            continue
        head, _, body = statement.partition("(")
        parts = re.split(r",(?![^(]*\))", body.rstrip().removesuffix(")"))
        texts.append(f"{head}({sorted(' '.join(part.split()) for part in parts)})")
    return sorted(each for each in texts if "alembic_version" not in each)


def differences(connection: Connection) -> Sequence[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, metadata)


def contents(catalog: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with catalog.read() as connection:
        tables = sorted({*inspect(connection).get_table_names()} - {"alembic_version"})
        rows = {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in tables}
    return {name: sorted((tuple(row) for row in found), key=repr) for name, found in rows.items()}


def fill(catalog: Catalog, statements: Sequence[str]) -> None:
    with catalog.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_the_newest_schema_is_that_of_the_tables(catalog: Catalog, databases: Databases) -> None:
    url = databases.new()
    Catalog.open(url).close()  # the file of SQLite
    engine = make_engine(url)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    with catalog.read() as migrated, engine.begin() as direct:
        assert differences(migrated) == []
        assert schema(migrated) == schema(direct)
    engine.dispose()
    databases.drop(url)


def test_text_is_compared_by_its_bytes_whatever_the_locale_of_a_server(catalog: Catalog) -> None:
    with catalog.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("SELECT 'B' < 'a'")) == 1
            return
        columns = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE "
                "table_schema = 'public' AND table_name != 'alembic_version' AND "
                "data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
            )
        )
        assert columns.all() == []


def test_downgrade_removes_everything_and_upgrade_brings_it_back(catalog: Catalog) -> None:
    downgrade(catalog)
    with catalog.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    upgrade(catalog)
    with catalog.read() as connection:
        assert differences(connection) == []


def test_a_catalog_of_the_first_version_keeps_its_rows(catalog: Catalog) -> None:
    downgrade(catalog, "0001")
    fill(catalog, old_rows.FIRST)
    before = contents(catalog)
    assert all(before.values())
    upgrade(catalog)
    pool = get_pool(catalog, POOL)
    assert (pool.display_name, pool.classes, pool.active_ranking) == ("Pets", ("cat", "dog"), 1)
    assert pool.counts == PoolCounts(2, 0, answered=2, leased=0)
    assert [event.answer for event in list_label_events(catalog, POOL)[0]] == [
        Label("cat"),
        Abstain("dark"),
    ]
    assert get_ranking(catalog, POOL, 1).seed == 2**53 + 1
    assert runs.get_run(catalog, POOL, 1).spec == {"sources": ["/photos"]}
    assert runs.get_run(catalog, POOL, 2).error == "Grüße, 你好"
    downgrade(catalog, "0001")
    assert contents(catalog) == before


def test_a_catalog_of_the_second_version_keeps_its_rows(catalog: Catalog) -> None:
    downgrade(catalog, "0001")
    fill(catalog, old_rows.FIRST)
    upgrade(catalog, "0002")
    fill(catalog, old_rows.SECOND)
    before = contents(catalog)
    upgrade(catalog)
    graph = find_graph(catalog, POOL, 1)
    assert graph is not None
    assert (graph.k, graph.images, graph.details) == (5, 2, {"recall": 1.0})
    downgrade(catalog, "0002")
    assert contents(catalog) == before
    upgrade(catalog)
    assert find_graph(catalog, POOL, 1) == graph


def test_embedding_runs_of_one_source_are_those_of_several(catalog: Catalog) -> None:
    add_pool(catalog)
    specs = {"a": {"sources": ["/photos"]}, "b": {"sources": ["s3://b/x"], "prune": True}}
    for request, spec in specs.items():
        run = runs.start_run(catalog, POOL, RunKind.EMBED, spec, request)
        runs.cancel_run(catalog, POOL, run.number)
    downgrade(catalog, "0001")
    with catalog.read() as connection:
        stored = connection.scalars(
            text("SELECT CAST(spec AS VARCHAR(99)) FROM runs ORDER BY number")
        ).all()
    assert stored == ['{"source": "/photos"}', '{"source": "s3://b/x"}']
    upgrade(catalog)
    found = [runs.get_run(catalog, POOL, number).spec for number in (1, 2)]
    assert found == [{"sources": ["/photos"]}, {"sources": ["s3://b/x"]}]


def test_what_an_older_catalog_holds_is_carried_over(
    catalog: Catalog, ranking: LoadedRanking
) -> None:
    said = {"ann": "cat", "bob": "dog"}
    both = [LabelInput(item(0), Label(name), who) for who, name in said.items()]
    again = [LabelInput(item(0), Label("bird"), "ann"), LabelInput(item(1), Label("cat"), "ann")]
    record_labels(catalog, POOL, both + again, None, known_items=lambda ids: [True] * len(ids))
    delete_pool(catalog, POOL)
    downgrade(catalog, "0002")
    with catalog.read() as connection:
        columns = inspect(connection).get_columns("prompt_versions")
    assert "classes" not in [column["name"] for column in columns]
    upgrade(catalog)
    pool = get_pool(catalog, POOL)
    assert (pool.spent, pool.budget, pool.delete_time) == (3, 0, None)
    assert get_prompt_version(catalog, POOL, 0).classes == pool.classes
    assert [event.retracts for event in list_label_events(catalog, POOL)[0]] == [None] * 4


def test_retractions_outlive_an_older_schema(catalog: Catalog, ranking: LoadedRanking) -> None:
    labels = [LabelInput(item(0), Label("cat"), who) for who in ("ann", "bob")]
    labels.append(LabelInput(item(1), Abstain("taken back"), "ann"))  # no retraction
    record_labels(catalog, POOL, labels, None, known_items=lambda ids: [True] * len(ids))
    retract_label(catalog, POOL, item(0), "bob")
    pool, events = get_pool(catalog, POOL), list_label_events(catalog, POOL)
    answers = newest_answers(catalog, POOL)
    downgrade(catalog, "0002")
    with catalog.read() as connection:
        kinds = connection.scalars(text("SELECT kind FROM label_events ORDER BY sequence")).all()
    assert kinds == ["LABEL", "LABEL", "ABSTAIN", "ABSTAIN"]
    upgrade(catalog)
    assert (get_pool(catalog, POOL), list_label_events(catalog, POOL)) == (pool, events)
    assert newest_answers(catalog, POOL) == answers


def test_a_catalog_of_a_newer_version_is_refused(catalog: Catalog) -> None:
    with catalog.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    with pytest.raises(FailedPreconditionError, match="future is newer") as caught:
        Catalog.open(catalog.url)
    assert caught.value.reason == "CATALOG_TOO_NEW"
