"""The same with files: a batch is imported into a project, its export is sent twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from poolscore.client import Client
from services.cli import register
from services.handoff.label_studio import labeling_config
from tests.integration.services.running import Running
from tests.ops.label_studio.annotator import Annotator
from tests.ops.label_studio.conftest import POOL
from tests.ops.label_studio.environment import Server
from tests.photographs import CLASSES


@pytest.fixture
def run(service: Running, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("POOLSCORE_ADDRESS", service.address)
    app = typer.Typer()
    register(app)

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception:
            raise result.exception
        return " ".join(result.output.split())

    return invoke


def test_a_file_of_tasks_comes_back(
    run: Callable[..., str], client: Client, label_studio: Server, tmp_path: Path
) -> None:
    ann, file, export = Annotator(label_studio), tmp_path / "tasks.json", tmp_path / "export.json"
    content = {"title": "by file", "label_config": labeling_config(CLASSES)}
    project = ann.call("POST", "/api/projects/", content)["id"]
    before = len(list(client.list_label_events(POOL)))
    for number in (1, 2):
        said = run("lease", POOL, "--size", "4", "--format", "label-studio", "--out", str(file))
        assert said.endswith(f"poolscore label {POOL} --file EXPORT")
        tasks = json.loads(file.read_text())
        ann.call("POST", f"/api/projects/{project}/import", tasks)
        waiting = ann.waiting(project)
        assert [task["data"]["item"] for task in waiting] == [t["data"]["item"] for t in tasks]
        for task in waiting:
            ann.annotate(task["id"], CLASSES[task["id"] % len(CLASSES)])
        exported = ann.call("GET", f"/api/projects/{project}/export", exportType="JSON")
        export.write_text(json.dumps(exported))
        assert f"{4 * number} of {4 * number} answers recorded" in run(
            "label", POOL, "--file", str(export)
        )
        again = run("label", POOL, "--file", str(export))
        assert f"{4 * number} of them before" in again
    assert len(list(client.list_label_events(POOL))) == before + 8
