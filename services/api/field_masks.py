"""Which fields an update means (AIP-134)."""

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask

from poolscore.errors import InvalidInputError

ALL = "*"


def masked(mask: FieldMask, changeable: Collection[str], given: Collection[str]) -> set[str]:
    """Return the paths to change, out of `changeable`.

    `*` means all of them, an empty mask those that the request has `given` a value.

    Raises InvalidInputError (INVALID_UPDATE_MASK) that names a path which cannot be changed.
    """
    if not mask.paths:
        return set(given)
    if list(mask.paths) == [ALL]:
        return set(changeable)
    for path in mask.paths:
        if path not in changeable:
            raise InvalidInputError(
                f"update_mask names '{path}', which cannot be changed; name some of "
                f"{', '.join(sorted(changeable))}, or '{ALL}' alone for all of them",
                reason="INVALID_UPDATE_MASK",
                field=path,
            )
    return set(mask.paths)
