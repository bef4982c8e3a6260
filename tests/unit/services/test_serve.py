from pathlib import Path

import pytest

from poolscore.config import Settings
from poolscore.errors import PoolscoreError
from services.serve import start_service


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"address": "0.0.0.0:0"}, "SOURCE_ROOTS_MISSING"),
        ({"tokens": "always", "source_roots": " , "}, "SOURCE_ROOTS_MISSING"),
        ({"source_roots": "/images,photos"}, "SETTING_INVALID"),
    ],
)
def test_what_callers_may_have_embedded_is_asked_before_anything_starts(
    tmp_path: Path, settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(PoolscoreError, match="POOLSCORE_SOURCE_ROOTS") as caught:
        start_service(Settings(home=tmp_path, **settings))
    assert caught.value.reason == reason
    assert not list(tmp_path.iterdir())
