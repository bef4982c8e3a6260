import base64

import pytest

from services.label_studio.keys import USER, Keys

KEYS = Keys("token", "1 2026-01-02")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


def test_label_studio_is_known_by_bearer_and_by_password() -> None:
    assert KEYS.admits(f"Bearer {KEYS.caller}")
    assert KEYS.admits(basic(KEYS.caller))
    assert Keys("token", "1 2026-01-02").caller == KEYS.caller


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer é",
        basic("token"),
        "Basic !",
        "Basic /w==",
        f"Token {KEYS.caller}",
        f"Bearer {Keys('token', '2 2026-01-02').caller}",
        f"Bearer {Keys('other', '1 2026-01-02').caller}",
        f"Bearer {KEYS.image('1', 'a')}",
    ],
)
def test_others_are_not(header: str) -> None:
    assert not KEYS.admits(header)


def test_an_image_has_a_signature_of_its_own() -> None:
    signature = KEYS.image("1", "a")
    assert KEYS.admits_image("1", "a", signature)
    assert not KEYS.admits_image("1", "b", signature)
    assert not KEYS.admits_image("2", "a", signature)
    assert not KEYS.admits_image("1", "a", KEYS.caller)
