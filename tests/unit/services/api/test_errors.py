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
)
from services.api.errors import BadRequestError, FieldProblem, describe


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
        (NotFoundError, grpc.StatusCode.NOT_FOUND),
        (AlreadyExistsError, grpc.StatusCode.ALREADY_EXISTS),
        (FailedPreconditionError, grpc.StatusCode.FAILED_PRECONDITION),
        (AbortedError, grpc.StatusCode.ABORTED),
        (UnavailableError, grpc.StatusCode.UNAVAILABLE),
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


def test_where_the_service_keeps_its_state_is_for_its_operator(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = "postgresql://poolscore:***@10.0.0.3/catalog"
    for error, code in (
        (UnavailableError(f"{place}: no route", reason="CATALOG_UNREACHABLE"), "UNAVAILABLE"),
        (UnavailableError(f"{place} was locked", reason="CATALOG_BUSY"), "UNAVAILABLE"),
        (NotFoundError(f"no '{place}'", reason="FILE_NOT_FOUND", path=place), "DATA_LOSS"),
        (FailedPreconditionError(f"'{place}'", reason="RANKING_CORRUPT"), "DATA_LOSS"),
    ):
        with caplog.at_level(logging.ERROR):
            failure = describe(error)
        assert (failure.code.name, failure.reason) == (code, error.reason)
        assert "10.0.0.3" not in str(failure.status())
        assert failure.metadata["incident"] in failure.message
        assert f"incident {failure.metadata['incident']}: {error.message}" in caplog.text


def bad_request(error: Exception) -> error_details_pb2.BadRequest | None:
    details = error_details_pb2.BadRequest()
    found = [each for each in describe(error).status().details if each.Unpack(details)]
    return details if found else None


def test_fields_that_are_to_blame_are_named():
    problems = [FieldProblem("size", "size is 0", "INVALID_SIZE"), FieldProblem("a[1]", "b", "C")]
    found = bad_request(BadRequestError(problems))
    assert found is not None
    violations = [(each.field, each.description, each.reason) for each in found.field_violations]
    assert violations == [tuple(each) for each in problems]
    failure = describe(BadRequestError(problems))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SIZE")
    assert failure.message == "size is 0; b"
    one = bad_request(InvalidInputError("what to do", reason="WHY", field="parent"))
    assert one is not None
    assert [each.field for each in one.field_violations] == ["parent"]
    assert bad_request(InvalidInputError("what to do")) is None
    assert bad_request(NotFoundError("what to do", field="parent")) is None


def test_trailers_stay_below_what_http2_peers_accept():
    metadata = {f"key{n}": "x" * 5000 for n in range(50)}
    failure = describe(InvalidInputError("y" * 100_000, **metadata))
    assert len(failure.status().SerializeToString()) < 4096
    many = BadRequestError([FieldProblem("f" * 5000, "m" * 5000, "R")] * 50)
    assert len(describe(many).status().SerializeToString()) < 4096


def test_letters_that_the_wire_writes_longer_count_as_such():
    failure = describe(InvalidInputError("\N{GRINNING FACE}" * 1000 + "\udc80"))
    assert len(failure.message.encode()) <= 1024
    assert failure.message.endswith("...")


def test_where_things_are_kept_is_for_the_log(caplog: pytest.LogCaptureFixture):
    error = UnavailableError("the store at '/srv/secret' is away", reason="STORE_UNREACHABLE")
    with caplog.at_level(logging.ERROR):
        failure = describe(error)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNREACHABLE")
    assert "/srv" not in str(failure.status())
    incident = failure.message.rpartition(" ")[2]
    assert f"incident {incident}: the store at '/srv/secret'" in caplog.text
