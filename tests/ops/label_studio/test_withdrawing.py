"""What is taken from annotators again, and what must not be."""

import pytest

from poolscore.client import Client
from services.label_studio.http import Http
from services.label_studio.images import Images
from services.label_studio.keys import Keys
from services.label_studio.queue import Queue
from services.label_studio.recording import Recorder
from services.label_studio.setup import ensure_interface, find_project
from tests.ops.label_studio.annotator import Annotator
from tests.ops.label_studio.conftest import POOL, SIZE
from tests.ops.label_studio.environment import Server


@pytest.mark.timeout(200)
def test_an_answer_taken_back_before_the_queue_is_looked_at(
    client: Client, label_studio: Server
) -> None:
    project = find_project(Http(label_studio.url, label_studio.token), POOL, None)
    keys = Keys(label_studio.token, project.identity)
    recorder = Recorder(client, POOL, project)
    queue = Queue(
        client,
        POOL,
        project,
        Images(client, POOL, "http://127.0.0.1:9003", keys),
        ensure_interface(project, client.get_pool(POOL).classes),
        SIZE,
    )
    recorder.record()
    queue.keep(recorder.has_settled)
    ann = Annotator(label_studio)
    task = ann.waiting(project.id)[-1]

    annotation = ann.annotate(task["id"])
    assert recorder.record() == 1
    ann.delete(annotation)
    queue.keep(recorder.has_settled)
    assert task["id"] in [each["id"] for each in ann.waiting(project.id)]
    assert recorder.record() == 1
    *_, answered, retracted = client.list_label_events(POOL)
    assert retracted.retracts == answered.name
