"""Tokens as callers send them: `ps_{id}_{secret}`. Only the secret's hash is stored.

The secret is 256 random bits, so that a fast hash is safe: there is nothing to guess.
"""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

_TOKEN = re.compile(r"ps_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


class Token(NamedTuple):
    """The parts of a token."""

    token_id: str
    """Public: names the token in lists, logs and revocations."""
    secret: str

    @property
    def text(self) -> str:
        """What the caller sends."""
        return f"ps_{self.token_id}_{self.secret}"


def new_token() -> Token:
    """A token that nobody has seen."""
    return Token(secrets.token_hex(6), secrets.token_urlsafe(32))


def parse_token(text: str) -> Token | None:
    """The parts of a token, None for what cannot be one."""
    found = _TOKEN.fullmatch(text)
    return found and Token(found[1], found[2])


def secret_hash(secret: str) -> str:
    """What is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(secret: str, stored: str) -> bool:
    """Whether a secret is the one whose hash is stored, in time that tells nothing about it."""
    return hmac.compare_digest(secret_hash(secret), stored)
