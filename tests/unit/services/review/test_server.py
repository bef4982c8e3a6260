import json
import ssl
import urllib.request
from pathlib import Path

import pytest

from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError, InvalidInputError
from services.review.server import start_review
from tests.certificates import Authority


def test_answers_until_it_is_stopped(open_api: str) -> None:
    review = start_review(Settings(address=open_api, review_address="127.0.0.1:0"))
    with urllib.request.urlopen(f"{review.url}session", timeout=30) as answer:
        assert json.load(answer) == {"asks_for_token": False}
        assert "server" not in answer.headers
    review.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{review.url}session", timeout=30)


def test_an_address_that_is_taken(open_api: str) -> None:
    review = start_review(Settings(address=open_api, review_address="127.0.0.1:0"))
    taken = review.url.removeprefix("http://").removesuffix("/")
    with pytest.raises(FailedPreconditionError) as error:
        start_review(Settings(address=open_api, review_address=taken))
    assert error.value.reason == "ADDRESS_IN_USE"
    review.stop()


def test_settings_that_cannot_work_are_refused_at_the_start() -> None:
    for wrong in ({"review_address": "9003"}, {"address": "x"}, {"source_roots": "photos"}):
        with pytest.raises(InvalidInputError):
            start_review(Settings(**{"review_address": "127.0.0.1:0"} | wrong))


def test_speaks_tls_with_a_certificate(open_api: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    own = authority.issue("review")
    settings = Settings(address=open_api, review_address="127.0.0.1:0")
    review = start_review(settings, own.path, own.key)
    context = ssl.create_default_context(cafile=str(authority.path))
    with urllib.request.urlopen(f"{review.url}session", timeout=30, context=context) as answer:
        assert answer.url.startswith("https://")
        assert answer.status == 200
    review.stop()
