"""The whole loop on real photographs, with the trainer killed in the middle of its work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from poolscore.client import Client
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from tests.integration.services.metric_pages import reported, scrape
from tests.integration.services.running import STEPS, Running, kill_actor
from tests.photographs import CLASSES, write_photographs


def ended(client: Client, run: run_pb.Run) -> run_pb.Run:
    *_, last = client.watch_run(run.name)
    assert last.state == run_pb.RUN_STATE_SUCCEEDED, last.error
    return last


def answers(batch: query_pb.Batch) -> list[label_pb.LabelInput]:
    """Answers by the class in the file's name."""
    return [
        label_pb.LabelInput(
            item=item.name,
            batch=batch.name,
            annotator="ann",
            answer=label_pb.Answer(label=item.uri.rpartition("/")[2].partition("-")[0]),
        )
        for item in batch.items
    ]


@pytest.fixture(scope="session")
def photos(service: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pool embedded by the service, with one file that is no image."""
    folder: Path = tmp_path_factory.mktemp("photos")
    write_photographs(folder, 40)
    (folder / "broken.jpg").write_bytes(b"not an image")
    with Client(service.address) as client:
        client.create_pool("photos", pool_pb.Pool(classes=CLASSES, train_after_labels=12))
        run = ended(client, client.embed("photos", str(folder)))
    assert (run.progress.total, run.progress.done) == (41, 41)
    assert dict(run.progress.rejects) == {"NOT_AN_IMAGE": 1}
    assert {"embed", "score", "rank"} <= {stage.stage for stage in run.stages}
    return "photos"


@pytest.mark.timeout(900)
def test_the_loop(client: Client, service: Running, photos: str) -> None:
    pool = client.get_pool(photos)
    assert (pool.counts.embedded, pool.counts.rejected) == (40, 1)
    assert pool.active_prompt_version == f"pools/{photos}/promptVersions/0"
    zero_shot = [item.name for item in client.ranking(f"pools/{photos}/rankings/-")]
    # Two of the forty crops show nearly the same: one of them is considered.
    assert len(set(zero_shot)) == len(zero_shot) == 39

    # Below the threshold nothing trains.
    batch = client.lease(photos, 8, "ann")
    assert client.submit_labels(photos, answers(batch)).accepted == 8
    assert client.get_batch(batch.name).state == query_pb.BATCH_STATE_DONE
    assert len(client.list_runs(photos)) == 1

    # A trainer that is killed in the middle is restarted and goes on with the run.
    run = client.train(photos)
    killed = 0
    for state in client.watch_run(run.name):
        if not killed and state.progress.message.startswith("training"):
            killed = kill_actor(service.process, "Trainer")
    assert killed
    run = client.get_run(run.name)
    assert run.state == run_pb.RUN_STATE_SUCCEEDED, run.error
    assert run.prompt_version == f"pools/{photos}/promptVersions/1"
    version = next(client.list_prompt_versions(photos))
    assert (version.active, version.label_count, version.label_watermark) == (True, 8, 8)
    # The settings of the service have reached the trainer.
    assert version.metrics["steps"] == STEPS
    assert client.get_pool(photos).active_ranking == run.ranking

    # Enough new answers start the trainer by themselves.
    batch = client.lease(photos, 12, "ann")
    assert batch.prompt_version == run.prompt_version
    assert client.submit_labels(photos, answers(batch)).accepted == 12
    automatic = client.list_runs(photos)[0]
    assert automatic.spec.WhichOneof("kind") == "train"
    assert automatic.name != run.name
    automatic = ended(client, automatic)
    assert client.get_pool(photos).active_prompt_version == automatic.prompt_version

    # Rollback: the stored ranking comes back as it was, without any run.
    before = len(client.list_runs(photos))
    assert client.activate(f"pools/{photos}/promptVersions/0").active
    assert [item.name for item in client.ranking(f"pools/{photos}/rankings/-")] == zero_shot
    assert client.get_pool(photos).active_ranking == pool.active_ranking
    assert len(client.list_runs(photos)) == before
    # Items that were answered meanwhile stay out of new batches.
    assert len(client.lease(photos, 40, "bob").items) == 19


def test_the_loop_was_counted(service: Running, photos: str) -> None:
    least = {
        "ray_poolscore_images_embedded_total": 40,
        "ray_poolscore_images_rejected_total{reason=NOT_AN_IMAGE}": 1,
        "ray_poolscore_images_scored_total": 80,
        "ray_poolscore_runs_total{kind=embed, state=succeeded}": 1,
        "ray_poolscore_runs_total{kind=train, state=succeeded}": 2,
        "ray_poolscore_trainings_total{outcome=promoted}": 2,
    }
    reported(service.process_metrics, least)
    pools = scrape(service.pool_metrics)
    assert pools[f"poolscore_pool_embedded_images{{pool={photos}}}"] == 40
    assert pools[f"poolscore_pool_rejected_images{{pool={photos}, reason=NOT_AN_IMAGE}}"] == 1
    assert pools[f"poolscore_pool_labels{{kind=label, pool={photos}}}"] == 20
    assert pools[f"poolscore_pool_last_training_outcome{{outcome=failed, pool={photos}}}"] == 0
    assert pools[f"poolscore_pool_active_prompt_version{{pool={photos}}}"] == 0


@pytest.mark.timeout(900)
def test_a_rescore_run_takes_another_strategy(client: Client, photos: str) -> None:
    before = client.get_pool(photos).active_ranking
    run = ended(client, client.rescore(photos, strategy="margin"))
    assert client.get_pool(photos).active_ranking == before
    batch = client.lease(photos, 1, "ann", strategy="margin")
    assert batch.ranking == run.ranking
    client.release_batch(batch.name)


def test_a_failing_run_says_why_and_the_worker_lives_on(
    client: Client, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    # Seeded prompts have no artefact, so that nothing can be re-scored with them.
    spec = run_pb.RunSpec(rescore=run_pb.RescoreSpec(strategy="random"))
    for _ in range(2):
        *_, run = client.watch_run(client.start_run(pool, spec).name)
        assert run.state == run_pb.RUN_STATE_FAILED
        assert "under incident" in run.error
        assert "prompts/p" not in run.error
        assert "Traceback" not in run.error
