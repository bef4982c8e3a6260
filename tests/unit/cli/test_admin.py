import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from poolscore.cli.admin import register
from poolscore.errors import PoolscoreError
from poolscore.store.catalog import Catalog
from tests.ranked_pool import RankedPool

app = typer.Typer()
register(app)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RankedPool:
    world = RankedPool(tmp_path)
    monkeypatch.setenv("POOLSCORE_CATALOG", world.catalog.url)
    monkeypatch.setenv("POOLSCORE_STORE", world.root)
    monkeypatch.setenv("COLUMNS", "200")
    return world


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["admin", *arguments])


def test_audit_shows_who_changed_what(world: RankedPool) -> None:
    shown = run("audit", "--pool", "p", "--after", "1").output
    assert "CREATE_POOL" not in shown
    assert "pools/p/rankings/1" in shown
    lines = [json.loads(line) for line in run("audit", "--json").output.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["facts"]["pools"][0]["active_ranking"] == 1
    assert "no such changes" in run("audit", "--tokens").output


def test_audit_leaves_nothing_out_in_80_columns(
    world: RankedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "…" not in run("audit", "--pool", "p").output


def test_a_backup_is_exported_imported_and_verified(
    world: RankedPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "backup.zip")
    assert "Exported 1 pools" in run("export", file).output
    error = run("import", file).exception
    assert isinstance(error, PoolscoreError)
    assert error.reason == "CATALOG_NOT_EMPTY"
    monkeypatch.setenv("POOLSCORE_CATALOG", f"sqlite:///{tmp_path}/other/catalog.db")
    assert "Next: poolscore admin verify" in run("import", file).output
    for arguments in ([], ["--quick"]):
        result = run("verify", *arguments)
        assert result.exit_code == 0, result.output
        assert "All is whole: 1 pools" in result.output
        whole = run("verify", *arguments, "--json")
        assert whole.exit_code == 0
        assert json.loads(whole.stdout)["findings"] == []


def test_verify_names_what_is_broken_and_what_to_do(world: RankedPool) -> None:
    with Catalog(world.catalog.url).write() as connection:
        connection.exec_driver_sql("UPDATE pools SET spent = 3")
    result = run("verify", "--quick")
    assert result.exit_code == 1
    expected = "BUDGET  pools/p: 3 labels are noted as spent; the answers in force cost 0; restore"
    assert expected in result.output
    assert "2 things are broken" in result.output
    as_json = run("verify", "--quick", "--json")
    assert as_json.exit_code == 1
    shown = json.loads(as_json.stdout)
    assert shown["looked_at"]["pools"] == 1
    assert (shown["findings"][0]["rule"], shown["findings"][0]["where"]) == ("BUDGET", "pools/p")
    assert (len(shown["findings"]), shown["more"]) == (2, 0)
