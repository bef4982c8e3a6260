"""Reads request fields whose absence has a meaning."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from poolscore.errors import InvalidInputError

DEFAULT_LEASE = timedelta(hours=1)


def lease_duration(duration: Duration, *, is_set: bool) -> timedelta:
    """Return how long a lease shall last; one hour when the field is not set.

    Raises InvalidInputError (INVALID_LEASE_DURATION) for what no timedelta can hold.
    """
    if not is_set:
        return DEFAULT_LEASE
    try:
        return duration.ToTimedelta()
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"lease_duration is not a duration: {error}",
            reason="INVALID_LEASE_DURATION",
            field="lease_duration",
        ) from error
