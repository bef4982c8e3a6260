import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from poolscore.cli.token import register

app = typer.Typer()
register(app)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path))


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["token", *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_tokens_are_there_as_json_without_their_secrets() -> None:
    secret = run("create", "ann", "--role", "annotator", "--days", "1").stdout.strip()
    run("create", "bob", "--role", "reader")
    listed = run("list", "--json").stdout
    ann, bob = (json.loads(line) for line in listed.splitlines())
    assert (ann["holder"], ann["role"], ann["pools"], ann["state"]) == (
        "ann",
        "annotator",
        None,
        "valid",
    )
    assert bob["expire_time"] is None
    assert "secret_hash" not in ann
    assert secret.rpartition("_")[2] not in listed
    run("revoke", ann["token_id"])
    revoked, _ = (json.loads(line) for line in run("list", "--json").stdout.splitlines())
    assert revoked["state"] == "revoked"
    assert revoked["revoke_time"].endswith("+00:00")
