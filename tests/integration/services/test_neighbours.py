"""Neighbours and near-duplicates through the real service."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from poolscore.client import Client
from poolscore.errors import InvalidInputError, NotFoundError
from poolscore.store.neighbour_graphs import find_graph
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.cli import register
from tests.integration.services.running import Running
from tests.photographs import CLASSES, write_photographs


def test_a_run_builds_the_graph_and_says_how_far_it_is(
    client: Client, service: Running, new_pool: Callable[..., str]
) -> None:
    pool = new_pool(items=30)
    *_, run = client.watch_run(client.build_neighbours(pool, 4).name)
    assert run.state == run_pb.RUN_STATE_SUCCEEDED, run.error
    assert (run.spec.neighbours.k, run.snapshot) == (4, f"pools/{pool}/snapshots/1")
    assert (run.progress.done, run.progress.total) == (30, 30)
    assert [stage.stage for stage in run.stages] == ["neighbours"]
    graph = find_graph(service.catalog, pool, 1)
    assert graph is not None
    assert (graph.k, graph.images, graph.details["recall"]) == (4, 30, 1.0)
    with pytest.raises(NotFoundError):
        client.build_neighbours("gone")
    with pytest.raises(InvalidInputError, match="256"):
        client.build_neighbours(pool, 1000)


def test_the_command(
    service: Running, new_pool: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = new_pool(items=8)
    monkeypatch.setenv("POOLSCORE_ADDRESS", service.address)
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, ["neighbours", pool, "--k", "3"])
    assert result.exit_code == 0, result.output
    assert "3 neighbours of 8 images found in" in result.output


def test_a_batch_holds_no_photograph_twice(
    client: Client, service: Running, tmp_path: Path
) -> None:
    originals = write_photographs(tmp_path / "photos", 8)
    for path in originals:
        with Image.open(path) as image:
            small = image.resize((image.width * 8 // 10, image.height * 8 // 10))
            small.save(path.with_name(f"copy-of-{path.name}"), quality=60)
    client.create_pool("copies", pool_pb.Pool(classes=CLASSES))
    *_, run = client.watch_run(client.embed("copies", str(tmp_path / "photos")).name)
    assert run.state == run_pb.RUN_STATE_SUCCEEDED, run.error
    assert "neighbours" in {stage.stage for stage in run.stages}
    graph = find_graph(service.catalog, "copies", 1)
    assert graph is not None
    assert (graph.details["groups"], graph.details["images_in_groups"]) == (8, 16)
    batch = client.lease("copies", 16, "ann")
    names = [item.uri.rpartition("/")[2].removeprefix("copy-of-") for item in batch.items]
    assert sorted(names) == sorted(path.name for path in originals)
