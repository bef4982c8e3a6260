"""Resource names: `pools/{pool}` and `pools/{pool}/{collection}/{id}`."""

from poolscore.errors import InvalidInputError

RUNS = "runs"
SNAPSHOTS = "snapshots"
PROMPT_VERSIONS = "promptVersions"
RANKINGS = "rankings"
BATCHES = "batches"
ITEMS = "items"
LABEL_EVENTS = "labelEvents"

ACTIVE = "-"
"""In place of a ranking's number: the active one."""


def child_name(pool_id: str, collection: str, child: str | int | None) -> str:
    """Return `pools/{pool_id}/{collection}/{child}`, or an empty string without a child."""
    return "" if child is None or child == "" else f"pools/{pool_id}/{collection}/{child}"


def parse_pool(name: str, field: str = "name") -> str:
    """Return the pool id of `pools/{pool}`.

    Raises InvalidInputError (INVALID_NAME) that says which field was wrong.
    """
    parts = name.split("/")
    if len(parts) != 2 or parts[0] != "pools" or not parts[1]:
        raise _invalid(name, field, "pools/{pool}")
    return parts[1]


def parse_child(name: str, collection: str, field: str = "name") -> tuple[str, str]:
    """Return (pool id, id) of `pools/{pool}/{collection}/{id}`.

    Item ids come from the user's own lists, so that they alone may hold slashes.

    Raises InvalidInputError (INVALID_NAME).
    """
    parts = name.split("/", 3)
    shape = f"pools/{{pool}}/{collection}/{{id}}"
    if len(parts) != 4 or parts[0] != "pools" or parts[2] != collection:
        raise _invalid(name, field, shape)
    pool_id, child = parts[1], parts[3]
    if not pool_id or not child or ("/" in child and collection != ITEMS):
        raise _invalid(name, field, shape)
    return pool_id, child


def parse_numbered(name: str, collection: str, field: str = "name") -> tuple[str, int]:
    """Return (pool id, number) of a resource that is numbered inside its pool.

    Raises InvalidInputError (INVALID_NAME).
    """
    pool_id, child = parse_child(name, collection, field)
    if not (child.isascii() and child.isdigit()) or len(child) > 18:
        raise _invalid(name, field, f"pools/{{pool}}/{collection}/{{number}}")
    return pool_id, int(child)


def check_same_pool(found: str, pool_id: str, field: str) -> None:
    """Raise InvalidInputError (WRONG_POOL) when a name inside a request is of another pool."""
    if found != pool_id:
        raise InvalidInputError(
            f"{field} names pool '{found}', but the request is about pool '{pool_id}'",
            reason="WRONG_POOL",
            field=field,
        )


def _invalid(name: str, field: str, shape: str) -> InvalidInputError:
    what = f"'{name}'" if name else "empty"
    return InvalidInputError(
        f"{field} is {what}, but must look like '{shape}'", reason="INVALID_NAME", field=field
    )
