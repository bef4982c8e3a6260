"""Encoder stages with the model that ships with the project, without Ray."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.decode_stage import decode_batch
from pipelines.encode_stage import DecodingEncoderStage, EncoderStage
from pipelines.sources.schemas import INPUT_SCHEMA
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.prompts.trained import zero_shot_prompts
from tests.embedding_world import CONFIG
from tests.photographs import write_photographs

COUNT = 11


@pytest.fixture
def inputs(tmp_path: Path) -> pa.Table:
    """Photographs, one of them broken."""
    paths = write_photographs(tmp_path, COUNT)
    paths[3].write_bytes(b"no picture")
    ids = [path.stem for path in paths]
    uris, others = [path.as_uri() for path in paths], ["1"] * COUNT
    return pa.table([ids, uris, others, others], schema=INPUT_SCHEMA)


def test_an_embedding_does_not_depend_on_the_images_beside_it(
    inputs: pa.Table, encoder: Encoder
) -> None:
    """To the last bit: a resumed run spreads images over shards in another way."""
    zero = zero_shot_prompts(encoder.zero_shot(("cat", "dog"), "a {}."), encoder.scale)
    config = replace(CONFIG, encode_batch=4, encoder_threads=2)
    decode = partial(decode_batch, geometry=encoder.preprocessing.geometry, limits=config.limits)
    arguments = (EncoderSpec(), encoder.digest, zero.features, config)
    together = DecodingEncoderStage(*arguments, decode)
    whole = together(inputs)
    assert whole["id"].to_pylist() == inputs["id"].to_pylist()
    assert whole["reject_reason"].null_count == COUNT - 1
    assert whole["embedding"].null_count == 1
    parts = [together(inputs.slice(0, 5)), together(inputs.slice(5))]
    assert pa.concat_tables(parts).equals(whole)
    decoded = EncoderStage(*arguments)(decode(inputs))
    assert decoded.equals(whole.combine_chunks())
    assert np.isfinite(whole["p_clean"].drop_null().to_numpy()).all()


def test_a_system_that_binds_no_process_to_cores_can_encode(
    inputs: pa.Table, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    zero = zero_shot_prompts(encoder.zero_shot(("cat", "dog"), "a {}."), encoder.scale)
    decode = partial(decode_batch, geometry=encoder.preprocessing.geometry, limits=CONFIG.limits)
    stage = DecodingEncoderStage(EncoderSpec(), encoder.digest, zero.features, CONFIG, decode)
    assert len(stage(inputs)) == COUNT
