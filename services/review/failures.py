"""Errors as JSON: `reason` for the page, `message` for people."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse

from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PoolscoreError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)
from poolscore.images.reject import Reject

_STATUSES: dict[type[PoolscoreError], int] = {
    InvalidInputError: 400,
    UnauthenticatedError: 401,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    AlreadyExistsError: 409,
    AbortedError: 409,
    FailedPreconditionError: 409,
    ResourceExhaustedError: 429,
    UnimplementedError: 501,
    UnavailableError: 503,
}
_SERVER = 500

_log = logging.getLogger(__name__)


def failed(request: Request, error: Exception) -> JSONResponse:
    """What the caller is told; nothing of an error that is not theirs to mend."""
    if not isinstance(error, PoolscoreError):
        return _answer(_SERVER, "INTERNAL", "the review page failed; its log says why")
    status = next((_STATUSES[kind] for kind in _STATUSES if isinstance(error, kind)), _SERVER)
    if status == _SERVER:
        _log.warning("%s: %s", request.url.path, error.message)
    return _answer(status, error.reason, error.message)


def no_picture(reject: Reject) -> JSONResponse:
    """Why an image cannot be shown: the reason alone, details may be of no concern to callers."""
    return _answer(422, reject.reason, "the image cannot be shown")


def _answer(status: int, reason: str, message: str) -> JSONResponse:
    return JSONResponse({"reason": reason, "message": message}, status)
