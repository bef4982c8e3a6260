import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from google.protobuf.json_format import ParseDict
from typer.testing import CliRunner

from poolscore.cli.complete import served_pools
from poolscore.errors import PoolscoreError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.cli import register
from tests.integration.services.running import Running


@pytest.fixture
def run(service: Running, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command against the service; returns what it prints."""
    monkeypatch.setenv("POOLSCORE_ADDRESS", service.address)
    app = typer.Typer()
    register(app)

    def invoke(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, PoolscoreError):
            raise result.exception
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return invoke


def test_lease_label_status(
    run: Callable[..., str], new_pool: Callable[..., str], tmp_path: Path
) -> None:
    pool, file = new_pool(), tmp_path / "batch.csv"
    said = run("lease", pool, "--size", "4", "--annotator", "ann", "--out", str(file))
    assert f"poolscore label {pool} --batch 1 --file" in said
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    assert [row["item"] for row in rows] == [f"item-000{n}" for n in range(4)]
    for row, label in zip(rows, ["cat", "cat|dog", "?", ""], strict=True):
        row["label"] = label
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert "3 of 3 answers recorded" in run("label", pool, "--batch", "1", "--file", str(file))
    again = run("label", pool, "--batch", "1", "--file", str(file))
    assert "3 of 3 answers recorded, 3 of them before" in again
    assert "3 answered, 1 leased now" in run("status", pool)


def test_a_batch_goes_to_cvat_and_back(
    run: Callable[..., str], new_pool: Callable[..., str], tmp_path: Path
) -> None:
    pool, file = new_pool(), tmp_path / "batch.xml"
    run("lease", pool, "--size", "3", "--annotator", "ann", "--out", str(file))
    with pytest.raises(PoolscoreError, match="has none by a person"):
        run("label", pool, "--batch", "1", "--file", str(file))
    file.write_text(file.read_text().replace('label="dog" source="auto"', 'label="owl"'))
    with pytest.raises(PoolscoreError, match="say of which batch with --batch"):
        run("label", pool, "--file", str(file))
    assert "1 of 1 answers recorded." in run("label", pool, "--batch", "1", "--file", str(file))
    said = run("label", pool, "--batch", "1", "--file", str(file), "--reviewed")
    assert "3 of 3 answers recorded, 1 of them before" in said
    listed = run("labels", "list", pool, "--item", "item-0001")
    assert " ann " in listed
    assert " owl " in listed


def test_a_batch_goes_to_coco_and_back(
    run: Callable[..., str], new_pool: Callable[..., str], tmp_path: Path
) -> None:
    pool, file = new_pool(), tmp_path / "batch.json"
    run("lease", pool, "--size", "3", "--format", "coco", "--out", str(file))
    document = json.loads(file.read_text())
    document["annotations"] = [{"id": 9, "image_id": 2, "category_id": 3}]
    file.write_text(json.dumps(document))
    assert "1 of 1 answers recorded." in run("label", pool, "--file", str(file))
    assert "1 of them before" in run("label", pool, "--file", str(file))
    assert " owl " in run("labels", "list", pool, "--item", "item-0001")


def test_a_batch_that_cannot_be_written_is_given_back(
    run: Callable[..., str], new_pool: Callable[..., str], tmp_path: Path
) -> None:
    pool, file = new_pool(), tmp_path / "tasks.json"
    arguments = ["--format", "label-studio", "--out", str(file), "--image-base", "/gone=x"]
    with pytest.raises(PoolscoreError, match="does not begin with /gone"):
        run("lease", pool, *arguments)
    assert "0 leased now" in run("status", pool)


def test_a_refused_answer_is_named(run: Callable[..., str], new_pool: Callable[..., str]) -> None:
    said = run("label", new_pool(), "item-0000=cat", "item-0001=zebra", code=1)
    assert "refused: item-0001: 'zebra' is not a class of the pool, which has cat, dog, " in said
    assert "(UNKNOWN_CLASS)" in said
    assert "1 of 2 answers recorded" in said


def test_answers_to_another_batch_are_one_line(
    run: Callable[..., str], new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    run("lease", pool, "--size", "1")
    said = run("label", pool, "--batch", "1", "item-0001=cat", "item-0002=cat", code=1)
    assert "2 refused, the first: item-0001: item 'item-0001' is not in batch 1" in said
    assert "item-0002" not in said


def test_an_image_is_answered_by_the_name_that_lease_shows(
    run: Callable[..., str], new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    assert "item-0000.jpg" in run("lease", pool, "--size", "2")
    answered = run("label", pool, "--batch", "1", "item-0000.jpg=cat", "item-0001=dog")
    assert "2 of 2 answers recorded" in answered


def test_prompts(run: Callable[..., str], new_pool: Callable[..., str]) -> None:
    pool = new_pool()
    assert "a 0.500" in run("prompts", "list", pool)
    assert "prompt version 0 is active with ranking 1" in run("prompts", "activate", pool, "0")
    # Seeded prompts have no artefact: the run fails, and the command says so.
    with pytest.raises(PoolscoreError, match="run 2 failed: "):
        run("prompts", "train", pool)


def test_errors_are_the_servers(run: Callable[..., str]) -> None:
    with pytest.raises(PoolscoreError, match="there is no pool 'gone'"):
        run("status", "gone")


def test_answers_are_listed_compared_and_taken_back(
    run: Callable[..., str], new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    assert f"No conflicts in pool '{pool}'" in run("labels", "conflicts", pool)
    run("label", pool, "item-0000=cat", "item-0001=cat|dog", "--annotator", "ann")
    run("label", pool, "item-0000=dog", "item-0001=?", "--annotator", "bob")
    said = run("labels", "conflicts", pool)
    assert "item-0000" in said
    assert "item-0001" not in said
    taken_back = run("labels", "retract", pool, "item-0000", "--annotator", "bob")
    assert "answer 3 of bob to item-0000 is taken back" in taken_back
    assert "No conflicts" in run("labels", "conflicts", pool)
    listed = run("labels", "list", pool, "--item", "item-0000")
    assert "answer 3 taken back" in listed
    assert "cat|dog" not in listed
    assert "cat|dog" in run("labels", "list", pool, "--annotator", "ann")


def test_what_is_shown_is_there_as_messages_of_the_contract(
    run: Callable[..., str], new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    run("label", pool, "item-0000=cat", "--annotator", "ann")
    run("label", pool, "item-0000=dog", "item-0001=owl", "--annotator", "bob")
    shown = json.loads(run("status", pool, "--json"))
    assert ParseDict(shown["pool"], pool_pb.Pool()).counts.answered == 2
    assert [ParseDict(each, run_pb.Run()).snapshot for each in shown["runs"]] == [
        f"pools/{pool}/snapshots/1"
    ]
    (version,) = json.loads(f"[{run('prompts', 'list', pool, '--json')}]")
    assert ParseDict(version, prompt_pb.PromptVersion()).metrics == {"a": 0.5}
    (conflict,) = json.loads(f"[{run('labels', 'conflicts', pool, '--json')}]")
    assert len(ParseDict(conflict, label_pb.Conflict()).answers) == 2
    events = run("labels", "list", pool, "--json").replace("} {", "},{")
    assert [each["annotator"] for each in json.loads(f"[{events}]")] == ["ann", "bob", "bob"]


def test_pools_of_the_service_complete(
    run: Callable[..., str], new_pool: Callable[..., str]
) -> None:
    assert new_pool() in served_pools("seeded-")
    assert served_pools("nothing-like-it") == []
