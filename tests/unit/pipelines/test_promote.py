from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.answers import UsableAnswers
from pipelines.promote import held_out_of, judge
from pipelines.scan import scan
from poolscore.labels.answer import Label
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.held_out import in_share
from poolscore.prompts.trained import TrainedPrompts
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.records import Promotion
from poolscore.store.snapshots import get_snapshot
from tests.ranked_pool import RankedPool
from tests.shards_world import prompts

CONFIG = DualPromptConfig(held_out_share=0.5, held_out_least=3)
ITEMS = [f"{number}-{row}" for number in (1, 2) for row in range(10)]


def usable(ids: list[str], candidates: np.ndarray | None = None) -> UsableAnswers:
    return UsableAnswers(ids, np.zeros(len(ids), np.int64), candidates, Counter(), {})


def test_held_out_are_images_of_one_class_in_the_share() -> None:
    expected = in_share(ITEMS, 0.5)
    assert 3 <= expected.sum() < len(ITEMS)
    assert np.array_equal(held_out_of(usable(ITEMS), CONFIG), expected)
    several = np.zeros((len(ITEMS), 3), np.bool_)
    several[:, 0] = True
    several[np.flatnonzero(expected)[0], 1] = True
    fewer = held_out_of(usable(ITEMS, several), CONFIG)
    assert fewer.sum() == expected.sum() - 1


def test_too_few_are_all_trained_with() -> None:
    config = CONFIG.model_copy(update={"held_out_least": int(in_share(ITEMS, 0.5).sum()) + 1})
    assert not held_out_of(usable(ITEMS), config).any()
    assert not held_out_of(usable([]), config).any()


@pytest.fixture
def pool(tmp_path: Path) -> RankedPool:
    return RankedPool(tmp_path)


def judged(pool: RankedPool, active_share: float | None, watermark: int) -> Promotion:
    """Two equal versions, compared on the share; the active one was trained up to a watermark."""
    version = replace(
        get_prompt_version(pool.catalog, "p", 0),
        label_watermark=watermark,
        metrics={} if active_share is None else {"held_out": 5.0},
    )
    config = None if active_share is None else DualPromptConfig(held_out_share=active_share)
    active = TrainedPrompts(prompts(), config=config)
    ids = [item for item, held in zip(ITEMS, in_share(ITEMS, 0.5), strict=True) if held]
    embeddings = scan(pool.store, get_snapshot(pool.catalog, "p", 2))
    candidate = TrainedPrompts(prompts())
    return judge(pool.catalog, version, active, candidate, usable(ids), embeddings, CONFIG)


def test_what_the_active_version_has_learned_from_judges_nobody(pool: RankedPool) -> None:
    for item in ITEMS:
        pool.answer(item, Label("cat"))
    all_held, last_held = (int(in_share(items, 0.5).sum()) for items in (ITEMS, ITEMS[10:]))
    assert judged(pool, None, 0).held_out == all_held
    # It was trained with the first ten, and with all of them, before anything was held out.
    after_ten = judged(pool, None, 10)
    assert after_ten.held_out == (last_held if last_held >= 3 else 0)
    none_left = judged(pool, None, 20)
    assert (none_left.promoted, none_left.held_out) == (True, 0)
    assert "0 held-out labels" in none_left.reason
    # It was trained with all of them but a share of its own.
    assert judged(pool, 0.5, 20).held_out == all_held
    smaller = int(in_share(ITEMS, 0.3).sum())
    assert judged(pool, 0.3, 20).held_out == (smaller if smaller >= 3 else 0)


def test_equal_versions_are_promoted(pool: RankedPool) -> None:
    for item in ITEMS:
        pool.answer(item, Label("cat"))
    same = judged(pool, None, 0)
    assert (same.promoted, same.p_value, same.compared_with) == (True, 1.0, 0)
    assert same.accuracy == same.active_accuracy
    assert same.p_clean_error == same.active_p_clean_error
