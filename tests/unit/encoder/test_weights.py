import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from poolscore.encoder.architecture import EMBEDDED_WEIGHTS
from poolscore.encoder.spec import EncoderSpec
from poolscore.encoder.weights import weights_file
from poolscore.errors import InvalidInputError, UnavailableError

TAGGED = EncoderSpec(model="ViT-B-32", pretrained="laion2b_s34b_b79k")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def empty_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that answers and has nothing."""

    class NotFound(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        do_GET = do_HEAD

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), NotFound)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_unreachable_hub_is_one_quick_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        weights_file(TAGGED)
    assert time.monotonic() - started < 10
    assert caught.value.reason == "ENCODER_UNAVAILABLE"
    for part in (
        "laion2b_s34b_b79k",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "--pretrained /path",
    ):
        assert part in caught.value.message


@pytest.mark.usefixtures("empty_hub")
def test_a_hub_without_the_file_is_the_same_error() -> None:
    with pytest.raises(UnavailableError, match="--pretrained") as caught:
        weights_file(TAGGED)
    assert caught.value.reason == "ENCODER_UNAVAILABLE"


def test_an_earlier_download_is_used_without_the_hub(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    repository = empty_cache / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K"
    weights = repository / "snapshots" / "abc" / "open_clip_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    assert weights_file(TAGGED) == weights


def test_the_embedded_model_needs_no_name() -> None:
    assert weights_file(EncoderSpec()) == EMBEDDED_WEIGHTS


@pytest.mark.parametrize(
    ("pretrained", "named"),
    [
        ("", "laion2b_s34b_b79k"),
        ("laion9b", "laion9b"),
        ("/nowhere/w.safetensors", "/nowhere/w.safetensors"),
    ],
)
def test_what_can_never_work_says_so(pretrained: str, named: str) -> None:
    with pytest.raises(InvalidInputError, match=named) as caught:
        weights_file(EncoderSpec(model="ViT-B-32", pretrained=pretrained))
    assert caught.value.reason == "ENCODER_UNAVAILABLE"
