"""What went wrong in a Ray task, as the caller reports it."""

from poolscore.errors import PoolscoreError


def below_ray(error: BaseException) -> BaseException:
    """The error that a person can act on, below what Ray has wrapped around it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, PoolscoreError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return error
