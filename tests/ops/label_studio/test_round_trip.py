"""Label Studio and poolscore as they are: lease, annotate, record, train, and again."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import pytest

from poolscore.client import Client
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.commands.options import item_id
from services.label_studio.app import MAX_BODY
from tests.ops.label_studio.annotator import Annotator
from tests.ops.label_studio.conftest import POOL, SIZE, Start
from tests.ops.label_studio.environment import EMAIL, Server, session

_T = TypeVar("_T")
Said = tuple[str, str, str]
"""Item, annotator, answer."""


def eventually(ask: Callable[[], _T], wanted: Callable[[_T], Any]) -> _T:
    """Ask until the answer is as wanted: nobody tells."""
    end = monotonic() + 60
    while not wanted(found := ask()):
        assert monotonic() < end, f"still {found}"
        sleep(0.2)
    return found


def said(client: Client) -> list[Said]:
    return [
        (item_id(event.item), event.annotator, words(event))
        for event in client.list_label_events(POOL)
    ]


def words(event: label_pb.LabelEvent) -> str:
    if event.retracts:
        return "retracted"
    answer = event.answer
    return answer.label or "|".join(answer.candidates.labels) or "?"


def train(client: Client) -> str:
    *_, run = client.watch_run(client.train(POOL).name)
    assert run.state == run_pb.RUN_STATE_SUCCEEDED, run.error
    return run.ranking


def origin(task: dict[str, Any]) -> dict[str, Any]:
    return task["meta"]["poolscore"]


@pytest.mark.timeout(400)
def test_two_rounds(client: Client, label_studio: Server, start_bridge: Start) -> None:
    ann = Annotator(label_studio)
    expected = said(client)
    answered = {item for item, _, _ in expected}
    ranked = client.ranking(f"pools/{POOL}/rankings/-")
    best = [item for item in ranked if item_id(item.name) not in answered][:SIZE]
    classes = {
        item_id(item.name): unquote(item.uri).rpartition("/")[2].partition("-")[0]
        for item in client.ranking(f"pools/{POOL}/rankings/-")
    }
    with start_bridge() as bridge:
        project = ann.project(f"poolscore {POOL}")
        tasks = eventually(lambda: ann.tasks(project), lambda found: len(found) == SIZE)

        # The queue is the top of the ranking, in its order, with what is predicted.
        assert [origin(task)["item"] for task in tasks] == [item_id(item.name) for item in best]
        for task, item in zip(tasks, best, strict=True):
            (prediction,) = task["predictions"]
            assert prediction["result"][0]["value"] == {"choices": [item.prediction.label]}
            assert prediction["score"] == pytest.approx(item.prediction.p_clean, abs=1e-5)
            assert prediction["model_version"] == f"{POOL} prompts 0"
            assert task["data"]["reason"] == item.reason
        settings = ann.call("GET", f"/api/projects/{project}/")
        assert settings["model_version"] == f"{POOL} prompts 0"
        assert ann.call("GET", f"/api/projects/{project}/next")["id"] == tasks[0]["id"]

        # Browsers get the images from the bridge, and nothing else.
        image = session().get(tasks[0]["data"]["image"])
        assert (image.status_code, image.headers["content-type"]) == (200, "image/jpeg")
        assert image.content == Path(unquote(urlsplit(best[0].uri).path)).read_bytes()
        assert session().get(tasks[0]["data"]["image"] + "x").status_code == 404

        # Label Studio can ask the model itself.
        (model,) = eventually(lambda: ann.call("GET", "/api/ml", project=project), bool)
        assert (model["readable_state"], model["title"]) == ("Connected", "poolscore")
        asked = ann.call("POST", f"/api/ml/{model['id']}/predict/test", random="true")
        (shown,) = (t for t in tasks if t["id"] == asked["task"]["id"])
        assert asked["response"][0]["result"] == shown["predictions"][0]["result"]
        assert asked["response"][0]["model_version"] == f"{POOL} prompts 0"

        # One choice, several, none, and a change of mind.
        for number, task in enumerate(tasks):
            item = origin(task)["item"]
            other = next(name for name in classes.values() if name != classes[item])
            chosen = [(classes[item],), (classes[item], other), ()][number if number < 3 else 0]
            annotation = ann.annotate(task["id"], *chosen)
            expected.append((item, EMAIL, "|".join(chosen) or "?"))
            eventually(lambda: said(client), lambda found: found == expected)
            if number == 3:
                ann.correct(annotation, other)
                expected.append((item, EMAIL, other))
                eventually(lambda: said(client), lambda found: found == expected)

        # What is trained changes what comes next, without a word to Label Studio.
        ranking = train(client)
        waiting = eventually(
            lambda: ann.waiting(project),
            lambda found: sum(origin(task)["ranking"] == ranking for task in found) >= SIZE,
        )
        # One task of the older ranking may stay: somebody may be looking at it.
        assert len(waiting) <= SIZE + 1
        answered = {item for item, _, _ in expected}
        assert not answered & {origin(task)["item"] for task in waiting}
        everything = [origin(task)["item"] for task in ann.tasks(project)]
        assert len(everything) == len(set(everything))

        # Webhooks that come again, from somebody else, or too long change nothing.
        (hook,) = ann.call("GET", "/api/webhooks/", project=project)
        for _ in range(3):
            again = session().post(hook["url"], headers=hook["headers"], json={"action": "X"})
            assert again.status_code == 200
        stranger = {"Authorization": "Bearer guess"}
        assert session().post(hook["url"], headers=stranger, json={}).status_code == 401
        assert session().post(hook["url"], json={}).status_code == 401
        assert session().post(f"{bridge}/predict", json={"tasks": []}).status_code == 401
        long = session().post(hook["url"], headers=hook["headers"], data=b" " * (MAX_BODY + 1))
        assert long.status_code == 413

    # Nobody listens while the second round is annotated, and one answer is taken back.
    round_two = [task for task in waiting if origin(task)["ranking"] == ranking]
    annotations = [ann.annotate(task["id"], classes[origin(task)["item"]]) for task in round_two]
    ann.delete(annotations[-1])
    late = [(origin(task)["item"], EMAIL, classes[origin(task)["item"]]) for task in round_two]
    with start_bridge():
        expected += sorted(late[:-1])
        found = eventually(lambda: said(client), lambda found: len(found) >= len(expected))
        assert sorted(found) == sorted(expected)
        annotation = ann.annotate(round_two[-1]["id"], classes[late[-1][0]])
        expected.append(late[-1])
        eventually(lambda: said(client), lambda found: sorted(found) == sorted(expected))
        ann.delete(annotation)
        expected.append((late[-1][0], EMAIL, "retracted"))
        eventually(lambda: said(client), lambda found: sorted(found) == sorted(expected))
        train(client)
    assert client.get_pool(POOL).active_prompt_version == f"pools/{POOL}/promptVersions/2"

    # Started once more it finds that all of it is recorded.
    with start_bridge():
        mark = eventually(lambda: ann.waiting(project), bool)[-1]
        ann.annotate(mark["id"])
        expected.append((origin(mark)["item"], EMAIL, "?"))
        eventually(lambda: said(client), lambda found: len(found) >= len(expected))
        assert sorted(said(client)) == sorted(expected)
        # One webhook, whatever addresses the bridge has had.
        assert len(ann.call("GET", "/api/webhooks/", project=project)) == 1
