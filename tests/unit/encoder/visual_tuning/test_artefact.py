import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from poolscore.encoder.visual_tuning.artefact import check_new, load_tuning, save_tuning
from poolscore.encoder.visual_tuning.config import LoraConfig, VptConfig
from poolscore.encoder.visual_tuning.tuning import BaseEncoder, VisualTuning
from poolscore.errors import AlreadyExistsError, InvalidInputError

TUNING = VisualTuning(
    config=LoraConfig(projections=("q", "v"), rank=1),
    tensors={"blocks.0.q_down": torch.tensor([[1.5, -2.0]]), "a": torch.zeros(2, 1)},
    base=BaseEncoder("ViT-B-16", "openai", "ab" * 32),
    classes=("cat", "größe"),
    seed=3,
    metrics={"loss": 0.25},
)


def test_everything_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tuning.safetensors"
    save_tuning(TUNING, path)
    found = load_tuning(path)
    assert replace(found, tensors={}) == replace(TUNING, tensors={})
    assert found.tensors.keys() == TUNING.tensors.keys()
    assert all(torch.equal(found.tensors[name], TUNING.tensors[name]) for name in found.tensors)
    assert found.digest == TUNING.digest


def test_equal_tunings_are_equal_bytes_and_others_are_not_written_over(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_tuning(TUNING, path)
    save_tuning(TUNING, path)
    save_tuning(TUNING, copy)
    assert path.read_bytes() == copy.read_bytes()
    with pytest.raises(AlreadyExistsError):
        save_tuning(replace(TUNING, seed=4), path)


def test_the_digest_is_of_what_embeddings_depend_on() -> None:
    changed = {**TUNING.tensors, "a": torch.tensor([[0.0], [1e-30]])}
    assert replace(TUNING, tensors=changed).digest != TUNING.digest
    assert replace(TUNING, config=VptConfig()).digest != TUNING.digest
    assert replace(TUNING, seed=9, metrics={}).digest == TUNING.digest


def test_a_changed_or_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tuning.safetensors"
    save_tuning(TUNING, path)
    data = path.read_bytes()
    for broken in (data[:-1] + b"\x01", data[:-4], data.replace(b"lora", b"loro")):
        path.write_bytes(broken)
        with pytest.raises(InvalidInputError, match="damaged") as caught:
            load_tuning(path)
        assert caught.value.reason == "TUNING_CORRUPT"


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    document = json.dumps({"format": "poolscore-prompts/1"})
    for header, words in ((None, "no visual tuning"), ({"poolscore": document}, "prompts/1")):
        save_file({"x": torch.zeros(1)}, other, header)
        with pytest.raises(InvalidInputError, match=words) as caught:
            load_tuning(other)
        assert caught.value.reason == "TUNING_FORMAT"
    for path, words in ((tmp_path / "nope", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(InvalidInputError, match=words) as caught:
            load_tuning(path)
        assert caught.value.reason == "TUNING_UNREADABLE"


def test_a_place_that_cannot_be_written_shows_beforehand(tmp_path: Path) -> None:
    check_new(tmp_path / "new" / "tuning.safetensors")
    (tmp_path / "file").touch()
    with pytest.raises(AlreadyExistsError, match="--out"):
        check_new(tmp_path / "file")
    with pytest.raises(InvalidInputError, match="--out") as caught:
        check_new(tmp_path / "file" / "tuning.safetensors")
    assert caught.value.reason == "TUNING_UNWRITABLE"
