from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from pipelines import drift
from pipelines.drift import changed_share
from pipelines.resident import Block, ResidentEmbeddings
from poolscore.scoring.types import PromptFeatures

TEXT = torch.eye(4)[:3]
BEFORE = PromptFeatures(TEXT, None, 10.0)
AFTER = replace(BEFORE, positive_CD=TEXT[[1, 0, 2]])
"""Takes the classes 0 and 1 for each other."""


def pool(*classes: int) -> ResidentEmbeddings:
    """Images that are one of the texts each."""
    features_ND = TEXT.numpy()[list(classes)].astype(np.float16).reshape(-1, 4)
    names = [f"item-{row}" for row in range(len(classes))]
    ids, uris = pa.array(names, pa.string()), pa.array(names, pa.large_string())
    block = Block({"shard": range(len(classes))}, ids, uris, features_ND)
    return ResidentEmbeddings((block,))


def test_the_share_of_images_with_another_class() -> None:
    assert changed_share(pool(0, 1, 2, 2), BEFORE, AFTER) == 0.5
    assert changed_share(pool(0, 1, 2, 2), BEFORE, BEFORE) == 0.0
    assert changed_share(pool(), BEFORE, AFTER) == 0.0


def test_a_sample_is_spread_over_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "SAMPLE", 40)
    changed_first = pool(*[0] * 300, *[2] * 100)
    assert changed_share(changed_first, BEFORE, AFTER) == pytest.approx(0.75, abs=0.03)
