import zipfile
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from poolscore.access.caller import Role
from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.labels.answer import Abstain, Label
from poolscore.store.api_tokens import issue_token
from poolscore.store.backup import export_catalog, import_catalog
from poolscore.store.catalog import Catalog
from poolscore.store.compare_catalogs import compare_catalogs
from poolscore.store.files import open_store
from poolscore.store.leases import lease_batch
from poolscore.store.pools import list_pools
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.records import Batch
from tests.databases import SqliteFiles
from tests.ranked_pool import RankedPool
from tests.store_world import add_pool


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RankedPool:
    """A pool in SQLite with some of everything."""
    world = RankedPool(tmp_path_factory.mktemp("world"))
    ranking = get_ranking(world.catalog, "p", 1)
    batch = lease(world.catalog, world, "r")
    assert batch.ranking == ranking.number
    world.answer(batch.items[0].item_id, Label(class_name(world)))
    world.answer(batch.items[1].item_id, Abstain("Grüße"))
    issue_token(world.catalog, "ann", Role.READER)
    return world


def class_name(world: RankedPool) -> str:
    return list_pools(world.catalog)[0][0].classes[0]


def lease(catalog: Catalog, world: RankedPool, request: str) -> Batch:
    ranking = read_ranking(*world.store, get_ranking(catalog, "p", 1))
    return lease_batch(catalog, "p", 3, "ann", timedelta(hours=1), request, ranking)


@pytest.fixture(scope="module")
def backup(world: RankedPool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "catalog.zip"
    export_catalog(world.catalog, world.store, file)
    return file


@pytest.fixture
def third(tmp_path: Path) -> Generator[Catalog]:
    files = SqliteFiles(tmp_path)
    catalog = Catalog.open(files.new())
    yield catalog
    catalog.close()


def equal(one: Catalog, other: Catalog) -> bool:
    with one.read() as ours, other.read() as theirs:
        return list(compare_catalogs(ours, theirs)) == []


def test_a_backup_goes_from_one_database_into_another_and_back(
    world: RankedPool, backup: Path, catalog: Catalog, third: Catalog, tmp_path: Path
) -> None:
    manifest = import_catalog(backup, catalog, world.store)
    assert manifest.rows()["label_events"] == 2
    assert equal(world.catalog, catalog)
    export_catalog(catalog, world.store, tmp_path / "again.zip")
    import_catalog(tmp_path / "again.zip", third, world.store)
    assert equal(world.catalog, third)
    held = {item.item_id for item in lease(world.catalog, world, "r").items}
    leased = [lease(each, world, "new").items for each in (catalog, third)]
    assert leased[0] == leased[1]
    assert held.isdisjoint(item.item_id for item in leased[0])


def test_prompt_artefacts_come_back_into_an_empty_store(
    world: RankedPool, backup: Path, third: Catalog, tmp_path: Path
) -> None:
    store = open_store(str(tmp_path / "elsewhere"))
    import_catalog(backup, third, store)
    found = sorted(path.name for path in Path(store[1]).rglob("*.safetensors"))
    assert found == sorted(path.name for path in Path(world.root).rglob("*.safetensors"))
    assert found


def test_only_the_owner_may_read_a_backup(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_catalog_that_is_not_empty_is_refused(
    world: RankedPool, backup: Path, catalog: Catalog
) -> None:
    add_pool(catalog, "other")
    with pytest.raises(FailedPreconditionError, match="is not empty") as caught:
        import_catalog(backup, catalog, world.store)
    assert caught.value.reason == "CATALOG_NOT_EMPTY"
    assert [pool.pool_id for pool in list_pools(catalog)[0]] == ["other"]


def rewritten(backup: Path, to: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return to


def cut(backup: Path, to: Path) -> Path:
    data = backup.read_bytes()
    to.write_bytes(data[: len(data) // 2])
    return to


def flipped(backup: Path, to: Path) -> Path:
    data = bytearray(backup.read_bytes())
    with zipfile.ZipFile(backup) as old:
        largest = max(old.infolist(), key=lambda member: member.compress_size)
    # Between its header, which holds the name, and its end: nobody reads every byte of a header.
    data[largest.header_offset + 30 + len(largest.filename) + largest.compress_size // 2] ^= 1
    to.write_bytes(data)
    return to


def changed_row(backup: Path, to: Path) -> Path:
    old, new = b'"holder": "ann"', b'"holder": "eve"'
    return rewritten(backup, to, lambda _, data: data.replace(old, new))


def without_labels(backup: Path, to: Path) -> Path:
    return rewritten(
        backup, to, lambda name, data: None if name == "tables/label_events.jsonl" else data
    )


def nothing_like_it(backup: Path, to: Path) -> Path:
    to.write_text("a,b\n1,2\n")
    return to


@pytest.mark.parametrize("damage", [cut, flipped, changed_row, without_labels, nothing_like_it])
def test_a_file_that_is_no_whole_backup_is_refused(
    world: RankedPool,
    backup: Path,
    third: Catalog,
    tmp_path: Path,
    damage: Callable[[Path, Path], Path],
) -> None:
    file = damage(backup, tmp_path / "bad.zip")
    with pytest.raises(InvalidInputError, match=r"bad\.zip' is not a whole backup") as caught:
        import_catalog(file, third, world.store)
    assert caught.value.reason == "BACKUP_INVALID"
    assert list_pools(third)[0] == []


def test_a_file_that_is_not_there_is_named(
    world: RankedPool, third: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="does not exist"):
        import_catalog(tmp_path / "none.zip", third, world.store)


def test_a_backup_of_another_schema_is_refused(
    world: RankedPool, backup: Path, third: Catalog, tmp_path: Path
) -> None:
    file = rewritten(
        backup,
        tmp_path / "old.zip",
        lambda _, data: data.replace(b'"schema_revision": "00', b'"schema_revision": "99'),
    )
    with pytest.raises(FailedPreconditionError, match="schema 99") as caught:
        import_catalog(file, third, world.store)
    assert caught.value.reason == "BACKUP_SCHEMA"


def test_an_export_that_fails_leaves_what_was_there(world: RankedPool, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("an earlier one")
    store = open_store(str(tmp_path / "empty"))
    with pytest.raises(NotFoundError, match="file store has no"):
        export_catalog(world.catalog, store, file)
    assert file.read_text() == "an earlier one"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["backup.zip"]
