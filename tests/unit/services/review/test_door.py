from collections.abc import Callable

import pytest

from poolscore.access.caller import Role
from tests.unit.services.review.pages import LOCAL, page

ELSEWHERE = "http://review.example:9003"


@pytest.mark.parametrize("url", [LOCAL, "http://localhost:9003", "http://[::1]:9003"])
def test_this_machine_needs_no_token_where_the_api_asks_for_none(open_api: str, url: str) -> None:
    browser = page(open_api, url=url)
    assert browser.get("/session").json() == {"asks_for_token": False}
    assert browser.post("/call/ListPools", json={}).status_code == 200


@pytest.mark.parametrize(
    ("local_only", "url"),
    [
        (True, ELSEWHERE),  # a name of another site that was made to mean this machine
        (False, ELSEWHERE),
        (False, LOCAL),  # whoever connects from elsewhere may say so
    ],
)
def test_an_api_without_tokens_is_not_shown_to_others(
    open_api: str, local_only: bool, url: str
) -> None:
    browser = page(open_api, local_only=local_only, url=url)
    headers = {"authorization": f"Bearer ps_{'0' * 12}_{'s' * 43}"}
    for answer in (
        browser.get("/session"),
        browser.get("/picture", params={"batch": "pools/shop/batches/1"}),
        browser.post("/call/ListPools", json={}),
        browser.post("/call/ListPools", json={}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (403, "PAGE_NOT_LOCAL")


def test_an_api_with_tokens_is_shown_to_everybody_who_has_one(
    guarded_api: str, token: Callable[..., dict[str, str]]
) -> None:
    browser = page(guarded_api, local_only=False, url=ELSEWHERE)
    assert browser.get("/session").json() == {"asks_for_token": True}
    assert browser.post("/call/ListPools", json={}).status_code == 401
    reader = token(Role.READER)
    assert browser.post("/call/ListPools", json={}, headers=reader).status_code == 200


def test_a_host_that_is_none_is_not_this_machine(open_api: str) -> None:
    answer = page(open_api).get("/session", headers={"host": "[::1"})
    assert answer.status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
def test_what_a_proxy_of_this_machine_passes_on_is_not_from_this_machine(
    open_api: str, header: str
) -> None:
    answer = page(open_api).get("/session", headers={header: "203.0.113.9"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "PAGE_NOT_LOCAL")
