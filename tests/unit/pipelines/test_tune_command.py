"""`poolscore tune` as a user runs it, up to the pool that uses what it wrote."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from pipelines.cli import register
from poolscore.cli.pool import register as register_pool
from poolscore.config import Settings
from poolscore.encoder.load import load_encoder
from poolscore.encoder.visual_tuning.artefact import load_tuning
from poolscore.errors import PoolscoreError
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from tests.tiny_vit import NAME, tiny_vit_spec

app = typer.Typer()
register(app)
register_pool(app)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POOLSCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return write_colours(tmp_path / "colours")


@pytest.fixture
def weights(tmp_path: Path) -> str:
    return tiny_vit_spec(tmp_path).pretrained


def write_colours(folder: Path) -> Path:
    """Reddish and greenish noise; every third image is a test image."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    rows = ["path,label,split"]
    for number in range(30):
        pixels = generator.integers(0, 130, (40, 40, 3))
        pixels[..., number % 2] += 100
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append(
            f"{number}.png,{('red', 'green')[number % 2]},{('test', 'train')[number % 3 > 0]}"
        )
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def error(*arguments: str) -> PoolscoreError:
    raised = run("tune", *arguments).exception
    assert isinstance(raised, PoolscoreError), raised
    assert "\n" not in raised.message
    return raised


@pytest.mark.parametrize("method", ["vpt", "lora"])
def test_the_printed_command_creates_a_pool_with_what_was_learned(
    folder: Path, weights: str, method: str
) -> None:
    encoder = ["--encoder", NAME, "--pretrained", weights]
    result = run("tune", str(folder), *encoder, "--method", method, "--out", "t.safetensors")
    assert result.exit_code == 0, result.exception
    lines = [line.split() for line in result.output.splitlines()]
    shares = [float(words[0][:-1]) for words in lines if words and words[0].endswith("%")]
    assert "Accuracy on 10 test images" in result.output
    assert shares[0] < 80
    assert shares[2] == 100
    tuning = load_tuning(Path("t.safetensors"))
    assert tuning.config.method == method
    measured = [tuning.metrics[f"accuracy_{at}"] for at in ("before", "after", "with_prompts")]
    assert [round(100 * value, 1) for value in measured] == shares

    printed = result.output.splitlines()[-1]
    assert printed.startswith("poolscore pool create NAME --classes green,red ")
    created = run(*shlex.split(printed.replace("NAME", "colours"))[1:], "--precision", "fp32")
    assert created.exit_code == 0, created.exception
    assert "t.safetensors" in created.output.replace("\n", "")
    pool = get_pool(Catalog(Settings().catalog_url), "colours")
    assert pool.encoder.visual_tuning == str(Path("t.safetensors").absolute())
    assert load_encoder(pool.encoder).digest == pool.encoder_digest != tuning.base.digest


def test_mistakes_are_named(folder: Path, weights: str) -> None:
    encoder = ["--encoder", NAME, "--pretrained", weights]
    assert error("nowhere", *encoder).reason == "LABELS_MISSING"
    assert error(str(folder), *encoder, "--template", "photo").reason == "INVALID_TEMPLATE"
    assert error(str(folder), *encoder, "--out", str(folder)).reason == "FILE_EXISTS"
    other = error(str(folder), "--encoder", "poolscore-lite", "--pretrained", "")
    assert other.reason == "UNSUPPORTED_IMAGE_TOWER"
    assert error(str(folder), "--encoder", "ViT-X", "--pretrained", "").reason == "UNKNOWN_MODEL"
    (folder / "1.png").write_bytes(b"no picture")
    broken = error(str(folder), *encoder)
    assert broken.reason == "IMAGE_BROKEN"
    assert str(folder / "1.png") in broken.message
    assert not Path("tuning.safetensors").exists()
