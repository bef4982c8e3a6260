from collections.abc import Callable

import pytest

from poolscore.access.caller import Role
from poolscore.store.label_events import list_label_events
from services.api.backend import Backend
from services.review.app import MOST_BODY_BYTES
from services.review.headers import HEADERS, JSON
from tests.unit.services.review.pages import LEASE, lease, page

Token = Callable[..., dict[str, str]]


def test_an_answer_is_recorded_once_by_request_id(open_api: str, backend: Backend) -> None:
    browser = page(open_api)
    batch = lease(browser)
    label = {"item": batch["items"][0]["name"], "batch": batch["name"], "answer": {"label": "dog"}}
    sent = {"parent": "pools/shop", "labels": [label], "request_id": "r1"}
    first, again = (browser.post("/call/SubmitLabels", json=sent).json() for _ in range(2))
    assert first == again
    assert first["results"][0]["event"] == "pools/shop/labelEvents/1"
    events, _ = list_label_events(backend.catalog, "shop")
    assert [(event.annotator, event.batch) for event in events] == [("ann", 1)]


def test_lists_leave_out_the_classes_which_one_pool_has(open_api: str) -> None:
    browser = page(open_api)
    listed = browser.post("/call/ListPools", json={}).json()["pools"]
    assert [(pool["name"], pool["classes"]) for pool in listed] == [
        ("pools/other", []),
        ("pools/shop", []),
    ]
    named = {"name": "pools/shop"}
    assert browser.post("/call/GetPool", json=named).json()["pool"]["classes"] == [
        "cat",
        "dog",
        "owl",
    ]
    parent = {"parent": "pools/shop"}
    (version,) = browser.post("/call/ListPromptVersions", json=parent).json()["prompt_versions"]
    assert (version["active"], version["classes"]) == (True, [])


def test_what_is_not_for_labeling_is_not_there(open_api: str) -> None:
    browser = page(open_api)
    for method in ("DeletePool", "UpdatePool", "StartRun", "PreviewBatch", "x"):
        answer = browser.post(f"/call/{method}", json={"name": "pools/shop"})
        assert (answer.status_code, answer.json()["reason"]) == (404, "METHOD_UNKNOWN")


def test_a_bad_request_says_what_is_wrong(open_api: str) -> None:
    browser, named = page(open_api), b'{"name": "pools/shop"}'
    for body, kind, reason in (
        (b"{", JSON, "INVALID_JSON"),
        (b"\xff", JSON, "INVALID_JSON"),
        (b'{"nmae": "pools/shop"}', JSON, "INVALID_JSON"),
        (b'{"name": "shop"}', JSON, "INVALID_NAME"),
        (named, "text/plain", "NOT_JSON"),
        (named, "application/x-www-form-urlencoded", "NOT_JSON"),
        (b" " * (MOST_BODY_BYTES + 1), JSON, "REQUEST_TOO_LARGE"),
    ):
        answer = browser.post("/call/GetPool", content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)


def test_another_site_cannot_use_it(open_api: str) -> None:
    browser = page(open_api)
    for site, status in (("same-origin", 200), ("none", 200), ("cross-site", 403)):
        headers = {"sec-fetch-site": site}
        assert browser.post("/call/LeaseBatch", json=LEASE, headers=headers).status_code == status
    # What a browser asks before it sends JSON for another site's page.
    asked = {"origin": "http://evil.test", "access-control-request-method": "POST"}
    answer = browser.options("/call/LeaseBatch", headers=asked)
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_api_judges_the_token(guarded_api: str, token: Token, backend: Backend) -> None:
    browser = page(guarded_api)
    reader, elsewhere = token(Role.READER), token(Role.ANNOTATOR, "other")
    broken = {"authorization": f"Bearer ps_{'0' * 12}_{'s' * 43}"}
    expected = [
        ({}, 401, "TOKEN_MISSING"),
        ({"authorization": "Bearer nonsense"}, 401, "TOKEN_INVALID"),
        (broken, 401, "TOKEN_INVALID"),
        (reader, 403, "ROLE_TOO_LOW"),
        (elsewhere, 403, "POOL_NOT_ALLOWED"),
    ]
    for headers, status, reason in expected:
        answer = browser.post("/call/LeaseBatch", json=LEASE, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert lease(browser, **token(Role.ANNOTATOR, "shop"))["name"] == "pools/shop/batches/1"


def test_the_token_of_the_page_s_own_process_is_not_lent(
    guarded_api: str, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = token(Role.ADMIN)["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("POOLSCORE_TOKEN", own)
    assert page(guarded_api).post("/call/ListPools", json={}).status_code == 401


def test_an_api_that_is_away_is_said_to_be() -> None:
    browser = page("127.0.0.1:1")
    answer = browser.post("/call/ListPools", json={})
    assert (answer.status_code, answer.json()["reason"]) == (503, "SERVER_UNREACHABLE")


def test_every_answer_is_locked_down(open_api: str) -> None:
    browser = page(open_api)
    answers = [
        browser.get("/"),
        browser.get("/main.js"),
        browser.get("/nowhere"),
        browser.get("/session"),
        browser.get("/picture"),
        browser.post("/call/GetPool", json={"name": "pools/nowhere"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 400, 404]
    for answer in answers:
        assert answer.headers.items() >= HEADERS.items()
        assert answer.headers["cache-control"] == (
            "no-cache" if "etag" in answer.headers else "no-store"
        )
    assert "unsafe" not in HEADERS["content-security-policy"]
