"""What an embedding run is asked to do."""

from collections.abc import Sequence
from typing import Any

from poolscore.errors import InvalidInputError

_POOL = "pools/"


def embed_spec(sources: Sequence[str], prune: bool) -> dict[str, Any]:
    """Spec of a run, with the names of the contract's fields."""
    return {"sources": list(sources), **({"prune": True} if prune else {})}


def named_pool(sources: Sequence[str]) -> str | None:
    """The pool that a source names as `pools/{pool}`, None when there is no such source.

    Raises InvalidInputError SOURCE_NOT_ALONE, INVALID_NAME.
    """
    pools = [source for source in sources if source.startswith(_POOL)]
    if pools and len(sources) > 1:
        raise InvalidInputError(
            f"'{pools[0]}' cannot be embedded beside other sources: an empty pool takes over the "
            "embeddings of one other; name it alone",
            reason="SOURCE_NOT_ALONE",
            source=pools[0],
        )
    if not pools:
        return None
    name = pools[0].removeprefix(_POOL)
    if not name or "/" in name:
        raise InvalidInputError(
            f"source '{pools[0]}' is no pool: write pools/NAME, or ./{pools[0]} for a folder",
            reason="INVALID_NAME",
            source=pools[0],
        )
    return name
