"""Keys in an address: they would be kept with every image, so that no such address is taken."""

import re
from urllib.parse import unquote

from pipelines.file_systems import ANONYMOUS, OBJECT_STORES
from poolscore.errors import InvalidInputError

_AUTHORITY = re.compile(r"([^/?#]*)://([^/?#]*)")
_AT = re.compile("@|%40")


def refuse_credentials(address: str) -> None:
    """Raise InvalidInputError SOURCE_HAS_CREDENTIALS for `scheme://key:secret@bucket/...`."""
    if not _has_credentials(address):
        return
    gcs = address[:3].lower() == "gs:"
    variables = (
        "GOOGLE_APPLICATION_CREDENTIALS" if gcs else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
    raise InvalidInputError(
        f"'{without_credentials(address)}' was given with credentials before the bucket, which "
        f"would be kept with every image: leave them out and set {variables} instead",
        reason="SOURCE_HAS_CREDENTIALS",
    )


def without_credentials(address: str) -> str:
    """The address with what may be a key cut out."""
    while _has_credentials(address):
        scheme, _, rest = address.partition("://")
        # A secret may hold slashes, so that it reaches further than the name of a bucket would.
        cut = _AT.split(rest, maxsplit=1)
        address = f"{scheme}://{cut[1] if len(cut) > 1 else '...'}"
    return address


def _has_credentials(address: str) -> bool:
    found = _AUTHORITY.match(address)
    if found is None:
        return False
    scheme, authority = found[1].lower(), unquote(found[2])
    if scheme == "gs":
        authority = authority.removeprefix(ANONYMOUS)
    return "@" in authority or (":" in authority and scheme in OBJECT_STORES)
