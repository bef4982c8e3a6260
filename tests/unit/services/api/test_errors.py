import logging

import grpc
import pytest
from google.rpc import error_details_pb2

from poolscore.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PoolscoreError,
    UnavailableError,
    UnimplementedError,
)
from services.api.errors import describe


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
        (NotFoundError, grpc.StatusCode.NOT_FOUND),
        (AlreadyExistsError, grpc.StatusCode.ALREADY_EXISTS),
        (FailedPreconditionError, grpc.StatusCode.FAILED_PRECONDITION),
        (AbortedError, grpc.StatusCode.ABORTED),
        (UnavailableError, grpc.StatusCode.UNAVAILABLE),
        (UnimplementedError, grpc.StatusCode.UNIMPLEMENTED),
        (PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
    ],
)
def test_each_class_has_its_code(kind: type[PoolscoreError], code: grpc.StatusCode):
    failure = describe(kind("what to do", reason="WHY", pool="p"))
    assert (failure.code, failure.message, failure.reason) == (code, "what to do", "WHY")
    status = failure.status()
    assert status.code == code.value[0]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == ("WHY", "poolscore", {"pool": "p"})


def test_an_unexpected_error_shows_an_incident_and_nothing_else(caplog: pytest.LogCaptureFixture):
    try:
        raise KeyError("secret /path/to/file")
    except KeyError as error:
        with caplog.at_level(logging.ERROR):
            failure = describe(error)
    assert failure.code is grpc.StatusCode.INTERNAL
    assert "secret" not in failure.message
    assert "secret" not in str(failure.status())
    incident = failure.metadata["incident"]
    assert incident in failure.message
    # The log has both, so that the incident leads to the traceback.
    assert incident in caplog.text
    assert "secret" in caplog.text


def test_trailers_stay_below_what_http2_peers_accept():
    metadata = {f"key{n}": "x" * 5000 for n in range(50)}
    failure = describe(InvalidInputError("y" * 100_000, **metadata))
    assert len(failure.status().SerializeToString()) < 4096
