"""Reads request fields whose absence has a meaning."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

DEFAULT_LEASE = timedelta(hours=1)


def lease_duration(duration: Duration, *, is_set: bool) -> timedelta:
    """Return how long a lease shall last; one hour when the field is not set."""
    return duration.ToTimedelta() if is_set else DEFAULT_LEASE
