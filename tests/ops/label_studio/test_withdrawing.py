"""What is taken from annotators again, and what must not be."""

from dataclasses import dataclass

import pytest

from poolscore.client import Client
from poolscore.v1 import query_service_pb2 as query_pb
from services.label_studio.http import Http
from services.label_studio.images import Images
from services.label_studio.keys import Keys
from services.label_studio.project import Project
from services.label_studio.queue import Queue
from services.label_studio.recording import Recorder
from services.label_studio.setup import ensure_interface, find_project
from tests.ops.label_studio.annotator import Annotator
from tests.ops.label_studio.conftest import POOL, SIZE
from tests.ops.label_studio.environment import Server


@dataclass(frozen=True)
class Bench:
    """The parts of a bridge, each moved by hand."""

    project: Project
    recorder: Recorder
    queue: Queue
    annotator: Annotator

    def look(self) -> int:
        """What a bridge does again and again; returns how many answers were sent."""
        sent = self.recorder.record()
        self.queue.keep(self.recorder.has_settled)
        return sent

    def waiting(self) -> list[int]:
        """Ids of the tasks that nobody has answered."""
        return [task["id"] for task in self.annotator.waiting(self.project.id)]


@pytest.fixture
def bench(client: Client, label_studio: Server) -> Bench:
    project = find_project(Http(label_studio.url, label_studio.token), POOL, None)
    keys = Keys(label_studio.token, project.identity)
    images = Images(client, POOL, "http://127.0.0.1:9003", keys)
    interface = ensure_interface(project, client.get_pool(POOL).classes)
    queue = Queue(client, POOL, project, images, interface, SIZE)
    made = Bench(project, Recorder(client, POOL, project), queue, Annotator(label_studio))
    made.look()
    return made


@pytest.mark.timeout(200)
def test_an_answer_taken_back_before_the_queue_is_looked_at(client: Client, bench: Bench) -> None:
    task = bench.waiting()[-1]
    annotation = bench.annotator.annotate(task)
    assert bench.recorder.record() == 1
    bench.annotator.delete(annotation)
    bench.queue.keep(bench.recorder.has_settled)
    assert task in bench.waiting()
    assert bench.recorder.record() == 1
    *_, answered, retracted = client.list_label_events(POOL)
    assert retracted.retracts == answered.name


@pytest.mark.parametrize("lost", ["unknown", "another's"])
@pytest.mark.timeout(200)
def test_batches_that_a_restored_catalog_has_lost(client: Client, bench: Bench, lost: str) -> None:
    if lost == "unknown":
        name = f"pools/{POOL}/batches/999"
    else:
        name = client.lease(POOL, 1, "somebody else").name
    for task in bench.annotator.waiting(bench.project.id):
        meta = task["meta"] | {"poolscore": task["meta"]["poolscore"] | {"batch": name}}
        bench.project.change(task["id"], meta=meta)
    before = bench.waiting()
    bench.annotator.annotate(before[-1])
    assert bench.look() == 1
    *_, answered = client.list_label_events(POOL)
    assert answered.batch == ""
    bench.look()
    # What may be before somebody's eyes stays.
    assert set(before) & set(bench.waiting()) <= {before[0]}
    assert len(bench.waiting()) >= SIZE
    if lost == "another's":
        assert client.get_batch(name).state == query_pb.BATCH_STATE_OPEN
        client.release_batch(name)
