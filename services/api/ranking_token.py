"""Page tokens of a stream of a ranking: which ranking, and the rank that was sent last.

The ranking is in the key and not among the parameters of the list, so that a token of another
ranking is told so.
"""

import re
from collections.abc import Collection
from dataclasses import replace

from poolscore.errors import InvalidInputError
from poolscore.store import sql
from poolscore.store.records import Ranking


def write(ranking: Ranking, classes: Collection[str], last: int) -> str:
    """The token that goes on behind the rank `last` of a stream of these classes."""
    return sql.write_token(f"{ranking.number}:{last}", *_parameters(ranking, classes))


def read(token: str, ranking: Ranking, classes: Collection[str]) -> int:
    """The rank to start from; 0 without a token.

    Raises InvalidInputError INVALID_PAGE_TOKEN, or STALE_PAGE_TOKEN for one of another ranking.
    """
    if not token:
        return 0
    key = sql.read_token(token, *_parameters(ranking, classes))
    found = re.fullmatch(r"([0-9]{1,18}):([0-9]{1,18})", key)
    if found is None:
        raise sql.bad_token(token)
    if int(found[1]) != ranking.number:
        other = replace(ranking, number=int(found[1])).name
        raise InvalidInputError(
            f"the page token is of {other}, but this is {ranking.name}: stream {other} by its name "
            "to go on, or start again without a token",
            reason="STALE_PAGE_TOKEN",
            ranking=other,
        )
    return int(found[2]) + 1


def _parameters(ranking: Ranking, classes: Collection[str]) -> tuple[object, ...]:
    return "ranking", ranking.pool_id, sorted(set(classes))
