"""Errors that a user can act on: what, where and what to do.

Every error carries a machine-readable `reason` (UPPER_SNAKE_CASE) and string metadata; the service
maps the class to a gRPC status and sends reason and metadata as `google.rpc.ErrorInfo`.
"""


class PoolscoreError(Exception):
    """Base of all errors that are the caller's to mend."""

    default_reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, **metadata: str) -> None:
        """Keep `message` for people, `reason` and `metadata` for programs."""
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = metadata

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between Ray processes with reason and metadata."""
        return _rebuild, (type(self), self.message, self.reason, self.metadata)


def _rebuild(
    cls: type[PoolscoreError], message: str, reason: str, metadata: dict[str, str]
) -> PoolscoreError:
    return cls(message, reason=reason, **metadata)


class InvalidInputError(PoolscoreError):
    """The request can never work as it is (gRPC INVALID_ARGUMENT)."""

    default_reason = "INVALID_INPUT"


class NotFoundError(PoolscoreError):
    """What was named does not exist (gRPC NOT_FOUND)."""

    default_reason = "NOT_FOUND"


class AlreadyExistsError(PoolscoreError):
    """The name is taken (gRPC ALREADY_EXISTS)."""

    default_reason = "ALREADY_EXISTS"


class FailedPreconditionError(PoolscoreError):
    """Something else must happen first (gRPC FAILED_PRECONDITION)."""

    default_reason = "FAILED_PRECONDITION"


class AbortedError(PoolscoreError):
    """A concurrent change won; read again and retry (gRPC ABORTED)."""

    default_reason = "ABORTED"


class UnavailableError(PoolscoreError):
    """A dependency cannot be reached; try again later (gRPC UNAVAILABLE)."""

    default_reason = "UNAVAILABLE"


class UnimplementedError(PoolscoreError):
    """This client knows it, the server, an older one, does not (gRPC UNIMPLEMENTED)."""

    default_reason = "UNIMPLEMENTED"


class PermissionDeniedError(PoolscoreError):
    """This caller may not do that (gRPC PERMISSION_DENIED)."""

    default_reason = "PERMISSION_DENIED"


class UnauthenticatedError(PoolscoreError):
    """The caller has not said who it is, or not in a way that can be believed (UNAUTHENTICATED)."""

    default_reason = "UNAUTHENTICATED"


class ResourceExhaustedError(PoolscoreError):
    """The caller has had its share for now (gRPC RESOURCE_EXHAUSTED).

    Where the metadata has `retry_after_s`, as many seconds later there will be more.
    """

    default_reason = "RESOURCE_EXHAUSTED"
