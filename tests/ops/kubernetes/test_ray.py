"""The commands and the Serve config of the manifests, executed on the pods that they describe.

Ray runs for real, a head and two workers with token authentication; PostgreSQL and an S3 server
stand for what the secrets name. KubeRay is not there: this file submits, deploys and replaces dead
pods in its place.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pyarrow import fs

from pipelines.places import RunPlaces
from poolscore.access.caller import Role
from poolscore.client import Client
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import UnauthenticatedError
from poolscore.store.api_tokens import issue_token
from poolscore.store.catalog import Catalog
from poolscore.store.files import open_store
from poolscore.store.manifest import load_manifest
from poolscore.store.pools import create_pool, get_pool
from poolscore.store.runs import get_run
from poolscore.store.snapshots import get_snapshot
from poolscore.store.verify import verify_snapshot
from poolscore.v1 import run_service_pb2 as run_pb
from services.readiness import wait_until_serving
from tests.databases import PostgresDatabases
from tests.ops.kubernetes.dashboard import until
from tests.ops.kubernetes.ray_pods import RayPods, free_port, running_pods
from tests.ops.kubernetes.rendering import environment_of, find, ray_cluster, render
from tests.photographs import CLASSES, write_broken, write_photographs
from tests.s3_server import s3_server, upload

OVERLAY = "cpu"
POOL = "shop"
IMAGES = "s3://poolscore-images/shop"
"""As the entrypoints say."""
PHOTOGRAPHS = 512


@dataclass(frozen=True)
class Site:
    """What the manifests take for granted: a catalog, a store, images."""

    catalog: Catalog
    store: tuple[fs.FileSystem, str]
    images: int
    environment: dict[str, str]


@pytest.fixture(scope="module")
def site(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    databases = PostgresDatabases(postgres)
    url, folder = databases.new(), tmp_path_factory.mktemp("images")
    write_photographs(folder, PHOTOGRAPHS)
    write_broken(folder)
    with s3_server():
        secret = {"POOLSCORE_CATALOG": url} | {
            name: value for name, value in os.environ.items() if name.startswith("AWS_")
        }
        environment = environment_of(render(OVERLAY), secret)
        for place in (IMAGES, environment["POOLSCORE_STORE"]):
            filesystem, path = fs.FileSystem.from_uri(f"{place}?allow_bucket_creation=true")
            filesystem.create_dir(path.split("/")[0])
        upload(folder, IMAGES)
        catalog = Catalog.open(url)
        images = sum(path.is_file() for path in folder.iterdir())
        yield Site(catalog, open_store(environment["POOLSCORE_STORE"]), images, environment)
        catalog.close()
        databases.drop(url)


@pytest.fixture(scope="module")
def pods(site: Site) -> Generator[RayPods]:
    cluster = ray_cluster(find(OVERLAY, "RayService", "poolscore"))
    assert cluster is not None
    # Ray's sockets must have short paths.
    folder = Path(tempfile.mkdtemp(prefix="ps-", dir="/tmp"))
    with running_pods(cluster, site.environment, folder) as pods:
        # Meanwhile the head starts.
        digest = load_encoder(EncoderSpec()).digest
        create_pool(site.catalog, POOL, CLASSES, "a photo of a {}.", EncoderSpec(), digest, "", 0)
        pods.wait_until_ready()
        yield pods
    shutil.rmtree(folder, ignore_errors=True)


def entrypoint(name: str) -> str:
    """The command of a RayJob."""
    return find(OVERLAY, "RayJob", name)["spec"]["entrypoint"]


@pytest.mark.timeout(180)
def test_the_dashboard_wants_the_token(pods: RayPods) -> None:
    assert pods.dashboard.refuses("")
    assert pods.dashboard.refuses("0" * len(pods.token))
    assert not pods.dashboard.refuses(pods.token)


@pytest.mark.timeout(180)
def test_the_embed_job_survives_the_death_of_a_pod(site: Site, pods: RayPods) -> None:
    job = pods.dashboard.submit(entrypoint("embed"))
    places = RunPlaces.of(site.store, POOL, 1)

    def embedding() -> bool:
        assert pods.dashboard.job_status(job) != "FAILED", pods.dashboard.job_logs(job)
        return bool(places.committed())

    until(embedding, 90, "the first shard")
    pods.kill_worker_of("DecodingEncoderStage")
    assert len(places.committed()) < site.images // 128
    pods.wait_until_ready()
    status = pods.dashboard.job_ended(job, 120)
    assert status == "SUCCEEDED", pods.dashboard.job_logs(job)
    assert f"Embedded {PHOTOGRAPHS} images" in pods.dashboard.job_logs(job)
    # Who answers is one process of one attempt: Ray alone has made good what was lost.
    assert get_run(site.catalog, POOL, 1).attempts == 1
    snapshot = get_snapshot(site.catalog, POOL, 1)
    manifest = load_manifest(*site.store, snapshot.manifest_uri, snapshot.manifest_sha256)
    verify_snapshot(*site.store, manifest)
    assert (manifest.embedded, manifest.rejected) == (PHOTOGRAPHS, site.images - PHOTOGRAPHS)


@pytest.mark.timeout(180)
def test_the_rescore_job_ranks_anew(site: Site, pods: RayPods) -> None:
    before = get_pool(site.catalog, POOL).active_ranking
    job = pods.dashboard.submit(entrypoint("rescore"))
    status = pods.dashboard.job_ended(job, 120)
    assert status == "SUCCEEDED", pods.dashboard.job_logs(job)
    assert get_pool(site.catalog, POOL).active_ranking == (before or 0) + 1


@pytest.mark.timeout(180)
def test_the_service_answers_and_survives_the_death_of_a_pod(site: Site, pods: RayPods) -> None:
    config = yaml.safe_load(find(OVERLAY, "RayService", "poolscore")["spec"]["serveConfigV2"])
    port = config["grpc_options"]["port"] = free_port()
    config["http_options"]["port"] = free_port()
    pods.dashboard.deploy(config)
    names = {each["name"] for each in config["applications"]}
    until(lambda: running(pods) == names, 90, "the applications")

    address = f"127.0.0.1:{port}"
    wait_until_serving(address, timeout_s=30)
    with Client(address, token="") as client, pytest.raises(UnauthenticatedError):
        client.get_pool(POOL)
    token, _ = issue_token(site.catalog, "ops", Role.OPERATOR)
    with Client(address, token=token.text) as client:
        assert client.get_pool(POOL).counts.embedded == PHOTOGRAPHS
        pods.kill_worker_of("Embedder")
        pods.wait_until_ready()
        wait_until_serving(address, timeout_s=60)
        assert client.get_pool(POOL).counts.embedded == PHOTOGRAPHS
        # A worker that died is started elsewhere, and does what is asked for next.
        *_, ended = client.watch_run(client.rescore(POOL).name)
        assert ended.state == run_pb.RUN_STATE_SUCCEEDED, ended.error


def running(pods: RayPods) -> set[str]:
    """Names of the applications that serve; AssertionError when one could not be deployed."""
    found = pods.dashboard.applications()
    failed = {name: said for name, said in found.items() if "FAILED" in said}
    assert not failed, failed
    return {name for name, said in found.items() if said == "RUNNING"}
