import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from google.protobuf.json_format import ParseDict
from typer.testing import CliRunner, Result

from poolscore.cli.pool import register
from poolscore.config import Settings
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import PoolscoreError
from poolscore.pool_message import pool_message
from poolscore.store.catalog import Catalog
from poolscore.store.pools import create_pool, get_pool
from poolscore.v1 import pool_service_pb2 as pool_pb

app = typer.Typer()
register(app)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["pool", *arguments])


def reason(arguments: Sequence[str]) -> str:
    error = run(*arguments).exception
    assert isinstance(error, PoolscoreError)
    return error.reason


def test_create_registers_the_pool_and_says_what_to_do_next(tmp_path: Path) -> None:
    names = tmp_path / "classes.txt"
    names.write_text("guinea pig\n\n  cat [tabby] \n")
    arguments = ["--classes-file", str(names), "--strategy", "entropy", "--train-after", "40"]
    result = run("create", "pets", *arguments)
    assert result.exit_code == 0, result.output
    assert "Next: poolscore embed pets FOLDER" in result.output
    assert "cat [tabby]" in result.output
    pool = get_pool(Catalog(Settings().catalog_url), "pets")
    assert pool.classes == ("guinea pig", "cat [tabby]")
    assert (pool.strategy, pool.train_after_labels) == ("entropy", 40)
    encoder = load_encoder(EncoderSpec())
    assert pool.encoder_digest == encoder.digest
    assert pool.encoder.precision == encoder.precision != "auto"


def test_classes_are_split_at_commas_and_mistakes_are_named() -> None:
    assert reason(["create", "pets", "--classes", "cat,cat"]) == "INVALID_CLASSES"
    assert reason(["create", "pets", "--classes", "cat,"]) == "INVALID_CLASSES"
    assert reason(["create", "pets"]) == "INVALID_CLASSES"
    both = ["--classes", "cat,dog", "--classes-file", "x"]
    assert reason(["create", "pets", *both]) == "INVALID_CLASSES"
    assert reason(["create", "pets", "--classes-file", "nope"]) == "INVALID_CLASSES"
    two = ["--classes", "cat, dog"]
    assert reason(["create", "Pets", *two]) == "INVALID_POOL_ID"
    assert reason(["create", "pets", *two, "--template", "photo"]) == "INVALID_TEMPLATE"
    assert reason(["create", "pets", *two, "--strategy", "luck"]) == "UNKNOWN_STRATEGY"
    assert reason(["create", "pets", *two, "--encoder", "ViT-X"]) == "UNKNOWN_MODEL"


def test_a_classes_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    error = run("create", "pets", "--classes-file", str(tmp_path)).exception
    assert isinstance(error, PoolscoreError)
    assert error.message.startswith(f"'{tmp_path}' is a folder, not a file; give a UTF-8 text")


def test_spreadsheets_write_a_byte_order_mark(tmp_path: Path) -> None:
    names = tmp_path / "classes.txt"
    names.write_text("cat\ndog\n", encoding="utf-8-sig")
    assert run("create", "pets", "--classes-file", str(names)).exit_code == 0
    assert get_pool(Catalog(Settings().catalog_url), "pets").classes == ("cat", "dog")


def test_a_home_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path / "file"))
    error = run("list").exception
    assert isinstance(error, PoolscoreError)
    assert "file' is a file, not a folder" in error.message
    assert "POOLSCORE_HOME" in error.message


def test_list_and_show() -> None:
    assert "There are no pools yet" in run("list").output
    catalog = Catalog.open(Settings().catalog_url)
    create_pool(catalog, "pets", ["cat", "[dog]"], "", EncoderSpec(), "d" * 64, "", 0)
    listed = run("list").output
    assert all(word in listed for word in ("pets", "poolscore-lite", "classes", "answered"))
    shown = run("show", "pets").output
    assert all(word in shown for word in ("pools/pets", "2: cat, [dog]", "on request", "d" * 64))
    assert reason(["show", "nope"]) == "POOL_NOT_FOUND"


def test_a_weights_file_is_kept_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poolscore.encoder import weights

    monkeypatch.chdir(tmp_path)
    shipped = weights.weights_file(EncoderSpec())
    Path("w.safetensors").symlink_to(shipped)
    result = run("create", "pets", "--classes", "a,b", "--pretrained", "w.safetensors")
    assert result.exit_code == 0, result.exception
    pool = get_pool(Catalog(Settings().catalog_url), "pets")
    assert Path(pool.encoder.pretrained).is_absolute()


def test_a_pool_is_changed_deleted_and_brought_back() -> None:
    run("create", "pets", "--classes", "cat,dog", "--budget", "7")
    changed = run("update", "pets", "--classes", "cat,dog,owl", "--strategy", "margin")
    assert changed.exit_code == 0, changed.output
    assert "3: cat, dog, owl" in changed.output
    assert "7 labels, 0 spent, 0 leased" in changed.output
    pool = get_pool(Catalog(Settings().catalog_url), "pets")
    assert (pool.classes, pool.strategy, pool.budget) == (("cat", "dog", "owl"), "margin", 7)
    assert "no limit, 0 spent" in run("update", "pets", "--budget", "0").output
    assert "poolscore pool undelete pets" in run("delete", "pets").output
    assert "no pools yet" in run("list").output
    assert "pets (deleted)" in run("list", "--all").output
    assert "deleted" in run("show", "pets").output
    assert reason(["delete", "pets"]) == "POOL_DELETED"
    assert reason(["create", "pets", "--classes", "cat,dog"]) == "POOL_EXISTS"
    assert "is back" in run("undelete", "pets").output
    assert "pets" in run("list", "--filter", "strategy = margin").output
    assert "No pool matches" in run("list", "--filter", "strategy = entropy").output


def test_mistakes_in_a_change_are_named() -> None:
    run("create", "pets", "--classes", "cat,dog")
    assert reason(["update", "pets"]) == "NOTHING_TO_CHANGE"
    assert reason(["update", "pets", "--budget", "-1"]) == "INVALID_BUDGET"
    assert reason(["update", "pets", "--classes", "dog,cat"]) == "CLASSES_REORDERED"
    assert reason(["update", "none", "--budget", "1"]) == "POOL_NOT_FOUND"
    assert reason(["undelete", "pets"]) == "POOL_NOT_DELETED"
    assert reason(["list", "--filter", "x"]) == "INVALID_FILTER"


def test_pools_are_there_as_messages_of_the_contract() -> None:
    run("create", "pets", "--classes", "cat,dog", "--budget", "30")
    run("create", "cars", "--classes", "bus,tram")
    run("delete", "cars")
    shown = ParseDict(json.loads(run("show", "pets", "--json").stdout), pool_pb.Pool())
    assert shown == pool_message(get_pool(Catalog(Settings().catalog_url), "pets"))
    assert shown.budget.left == 30
    lines = run("list", "--all", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["pools/cars", "pools/pets"]
    assert run("list", "--filter", "delete_time:*", "--json").stdout == ""
