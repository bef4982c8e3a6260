import pytest

from poolscore.config import Settings
from poolscore.errors import InvalidInputError


@pytest.mark.parametrize(
    ("name", "value"),
    [("SCORERS", "two"), ("SCORERS", "-1"), ("SCORER_MEMORY_GIB", "0"), ("SCORER_MEMORY_GIB", "x")],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"POOLSCORE_{name}", value)
    with pytest.raises(InvalidInputError, match=f"POOLSCORE_{name} is '{value}'") as caught:
        Settings()
    assert caught.value.reason == "SETTING_INVALID"
