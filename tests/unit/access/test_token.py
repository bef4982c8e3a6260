import pytest

from poolscore.access.token import Token, is_secret, new_token, parse_token, secret_hash


def test_a_token_survives_its_text_and_no_two_are_alike() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert parse_token(token.text) == token


@pytest.mark.parametrize(
    "text", ["", "ps_", "ps_0123456789ab_short", f"xx_0123456789ab_{'s' * 43}", f"ps_0_{'s' * 43}"]
)
def test_what_is_no_token_has_no_parts(text: str) -> None:
    assert parse_token(text) is None
    assert parse_token(f"{Token('0123456789ab', 's' * 43).text}\n") is None


def test_only_the_secret_has_its_hash() -> None:
    stored = secret_hash("secret")
    assert is_secret("secret", stored)
    assert not is_secret("Secret", stored)
    assert "secret" not in stored
