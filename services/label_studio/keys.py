"""Secrets between the bridge and Label Studio, made from the token that both know.

So the bridge has nothing to keep: started again with the same token, it knows them again.
"""

import base64
import binascii
import hashlib
import hmac

USER = "label-studio"


class Keys:
    """Secrets of one project."""

    def __init__(self, token: str, project: str) -> None:
        """Derive them from the token and what tells the project from others."""
        self._key = hmac.digest(token.encode(), f"poolscore {project}".encode(), "sha256")

    @property
    def caller(self) -> str:
        """What Label Studio sends to show that it is Label Studio."""
        return self._sign("caller")

    def admits(self, authorization: str) -> bool:
        """Whether an `Authorization` header carries it: as a bearer, or as a password."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(value.encode(), self.caller.encode())

    def image(self, batch: str, item: str) -> str:
        """Signature of the address of an image."""
        return self._sign(f"image {batch} {item}")

    def admits_image(self, batch: str, item: str, signature: str) -> bool:
        """Whether the address of an image is one that the bridge has made."""
        return hmac.compare_digest(signature.encode(), self.image(batch, item).encode())

    def _sign(self, text: str) -> str:
        digest = hmac.digest(self._key, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()
