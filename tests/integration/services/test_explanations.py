"""Explanations, previews, differences and rollback over the wire, on a pool without photographs."""

import json
from collections.abc import Callable

import pytest
import typer
from google.protobuf.json_format import ParseDict
from typer.testing import CliRunner

from bench.cases.rollback import CLASSES, roll_back, seed
from poolscore.client import Client
from poolscore.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from poolscore.store.files import open_store
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.cli import register
from tests.integration.services.running import Running

IMAGES = 400


@pytest.fixture(scope="module")
def pool(service: Running) -> str:
    """Two prompt versions with a ranking of each by `margin`; version 1 is active."""
    seed(service.catalog, open_store(service.store_uri), "synthetic", IMAGES)
    return "synthetic"


@pytest.fixture
def run(service: Running, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command against the service; returns what it prints."""
    monkeypatch.setenv("POOLSCORE_ADDRESS", service.address)
    app = typer.Typer()
    register(app)

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return invoke


def names(items: pb.Batch | pb.PreviewBatchResponse) -> list[str]:
    return [item.name for item in items.items]


@pytest.mark.timeout(600)
def test_an_item_is_explained(client: Client, pool: str, run: Callable[..., str]) -> None:
    best = next(client.ranking(f"pools/{pool}/rankings/-", limit=1))
    found = client.explain(best.name, size=5)
    assert found.item == best
    assert (found.place, found.cut.rank, found.cut.beaten) == (pb.ITEM_PLACE_RANKED, 4, True)
    assert found.ranking == found.provenance.ranking == client.get_pool(pool).active_ranking
    assert found.prompt_version == f"pools/{pool}/promptVersions/1"
    # Zero-shot prompts have no negative one.
    assert not found.predicted.HasField("negative_similarity")
    assert found.predicted.probability >= found.runner_up.probability
    with pytest.raises(NotFoundError) as caught:
        client.explain(f"pools/{pool}/items/nobody")
    assert caught.value.reason == "ITEM_NOT_FOUND"
    said = run("explain", pool, best.name.rpartition("/")[2])
    assert f"place rank 0 of {IMAGES}" in said
    assert "next batch yes: number 1 of the 10 items" in said
    assert "strategy margin (size 100000), prompt version 1, snapshot 1" in said
    shown = json.loads(run("explain", pool, best.name, "--size", "5", "--json"))
    assert ParseDict(shown, pb.ExplainItemResponse()) == found


@pytest.mark.timeout(600)
def test_a_preview_becomes_a_lease_by_a_rescore_run(
    client: Client, pool: str, run: Callable[..., str]
) -> None:
    active = client.get_pool(pool).active_ranking
    with pytest.raises(FailedPreconditionError, match="start a rescore run with strategy entropy"):
        client.lease(pool, 3, "ann", strategy="entropy")
    some = [f"class {number}" for number in range(0, CLASSES, 2)]
    shown = client.preview(pool, 6, strategy="entropy", classes=some)
    assert (shown.ranking, shown.strategy) == (active, "entropy")
    with pytest.raises(InvalidInputError) as caught:
        client.preview(pool, 6, strategy="entropy", classes=["newt"])
    assert caught.value.reason == "UNKNOWN_CLASS"
    assert "images by strategy entropy" in run("preview", pool, "--strategy", "entropy")
    as_json = json.loads(run("preview", pool, "--strategy", "entropy", "--json"))
    assert ParseDict(as_json, pb.PreviewBatchResponse()).ranking == active
    *_, rescored = client.watch_run(client.rescore(pool, strategy="entropy").name)
    assert rescored.state == run_pb.RUN_STATE_SUCCEEDED, rescored.error
    assert client.get_pool(pool).active_ranking == active
    batch = client.lease(pool, 6, "ann", strategy="entropy", classes=some, request_id="focus")
    assert (names(batch), batch.ranking) == (names(shown), rescored.ranking)
    assert (
        client.lease(pool, 6, "ann", strategy="entropy", classes=some, request_id="focus") == batch
    )
    with pytest.raises(InvalidInputError) as reused:
        client.lease(pool, 6, "ann", strategy="entropy", request_id="focus")
    assert reused.value.reason == "REQUEST_ID_REUSED"
    held = client.explain(batch.items[0].name, ranking=rescored.ranking)
    assert (held.state, held.batch) == (pb.ITEM_STATE_LEASED, batch.name)
    # The item is nobody else's, whichever ranking he leases from.
    following = client.lease(pool, IMAGES, "bob")
    assert following.ranking == active
    assert len(following.items) == IMAGES - 6
    assert not set(names(following)) & set(names(batch))
    for each in (batch, following):
        client.release_batch(each.name)
    said = run("lease", pool, "--size", "2", "--strategy", "entropy", "--class", "class 0")
    assert "2 images for me" in said
    again = run("lease", pool, "--class", "class 0", "--class", "class 1", "--size", "1")
    assert "1 images for me" in again


@pytest.mark.timeout(600)
def test_two_versions_differ(client: Client, pool: str, run: Callable[..., str]) -> None:
    versions = [f"pools/{pool}/promptVersions/{number}" for number in (0, 1)]
    found = client.diff_prompt_versions(versions[0], versions[1], limit=5)
    assert (found.version_before, found.version_after) == tuple(versions)
    assert (found.common, found.only_before, found.only_after) == (IMAGES, 0, 0)
    assert found.class_changes > IMAGES // 2  # random prompts agree on one image in fifty
    assert abs(found.rank_correlation) < 0.5
    moves = [abs(each.rank_after - each.rank_before) for each in found.changes]
    assert moves == sorted(moves, reverse=True)
    assert f"{IMAGES} images in both rankings" in run("prompts", "diff", pool, "0", "1")
    shown = json.loads(run("prompts", "diff", pool, "0", "1", "--limit", "5", "--json"))
    assert ParseDict(shown, prompt_pb.DiffPromptVersionsResponse()) == found


@pytest.mark.timeout(600)
def test_a_rollback_serves_the_stored_ranking_byte_for_byte(client: Client, pool: str) -> None:
    assert 0 < roll_back(client, pool, 20) < 30


def test_streams_go_on_where_they_broke(client: Client, pool: str) -> None:
    first = next(client.watch_switches(pool))
    version = f"pools/{pool}/promptVersions/"
    other = "1" if first.prompt_version.name.endswith("/0") else "0"
    client.activate(version + other)
    second = next(client.watch_switches(pool, resume_token=first.resume_token))
    assert second.prompt_version.name == version + other
    whole = list(client.ranking(f"pools/{pool}/rankings/1"))
    (page,) = client.ranking_pages(f"pools/{pool}/rankings/1", limit=150)
    rest = client.ranking_pages(f"pools/{pool}/rankings/1", page_token=page.next_page_token)
    assert whole == [*page.items, *(item for each in rest for item in each.items)]
    with pytest.raises(InvalidInputError) as caught:
        list(client.ranking_pages(f"pools/{pool}/rankings/2", page_token=page.next_page_token))
    assert caught.value.reason == "STALE_PAGE_TOKEN"
