import logging
import re
from collections.abc import Generator
from contextvars import copy_context
from time import perf_counter
from typing import Any

import pytest
from google.protobuf.message import Message
from ray.serve.grpc_util import RayServegRPCContext
from structlog.contextvars import clear_contextvars, get_contextvars

from poolscore.access.caller import Caller, Role, act_as
from poolscore.errors import NotFoundError, UnavailableError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.api.call import observed
from services.api.contract import rpcs
from services.api.errors import DETAILS_TRAILER, REQUEST_ID, describe, report
from services.metrics import RpcMeter

RPCS = {rpc.name: rpc for rpc in rpcs()}


class Context(RayServegRPCContext):
    """Serve's context of a call with this metadata; gRPC's own, which it copies, needs a server."""

    def __init__(self, *metadata: tuple[str, str]) -> None:
        self._invocation_metadata = list(metadata)
        self._trailing_metadata = []


@pytest.fixture(autouse=True)
def nothing_bound() -> Generator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


@pytest.fixture
def meter() -> RpcMeter:
    return RpcMeter()


def answer(
    meter: RpcMeter,
    method: str,
    request: object,
    error: Exception | None = None,
    context: Context | None = None,
) -> dict[str, Any]:
    """Answer a call as the ingress does; returns what was bound meanwhile."""
    context = context or Context()
    with observed(RPCS[method], context, meter) as call:
        call.is_about(request)
        if error is not None:
            call.failure = describe(error)
            report(context, call.failure)
        return get_contextvars()


def trailer(context: Context) -> str:
    return dict(context.trailing_metadata())[REQUEST_ID]


@pytest.mark.parametrize(
    ("method", "request_", "subject"),
    [
        ("LeaseBatch", query_pb.LeaseBatchRequest(parent="pools/p"), {"pool": "p"}),
        ("CreatePool", pool_pb.CreatePoolRequest(pool_id="p"), {"pool": "p"}),
        ("GetRun", run_pb.GetRunRequest(name="pools/p/runs/3"), {"pool": "p", "run": 3}),
        (
            "ActivatePromptVersion",
            prompt_pb.ActivatePromptVersionRequest(name="pools/p/promptVersions/2"),
            {"pool": "p", "prompt_version": 2},
        ),
        ("RetractLabel", label_pb.RetractLabelRequest(item="pools/p/items/a/b"), {"pool": "p"}),
        ("GetPool", pool_pb.GetPoolRequest(name="p" * 1000), {"pool": "p" * 128}),
        ("ListPools", pool_pb.ListPoolsRequest(), {}),
        ("GetRun", run_pb.GetRunRequest(), {}),
        ("GetRun", run_pb.GetRunRequest(name="pools/p/runs/" + "9" * 5000), {"pool": "p"}),
        ("StreamLabels", iter(()), {}),
    ],
)
def test_lines_meanwhile_say_what_the_call_is_about(
    meter: RpcMeter, method: str, request_: Message, subject: dict[str, str | int]
) -> None:
    bound = answer(meter, method, request_)
    assert re.fullmatch("[0-9a-f]{32}", bound.pop("request_id"))
    assert bound == {"method": method} | subject


def test_a_call_does_not_bear_what_the_one_before_was_about(meter: RpcMeter) -> None:
    answer(meter, "GetRun", run_pb.GetRunRequest(name="pools/p/runs/3"))
    assert answer(meter, "ListPools", pool_pb.ListPoolsRequest()).keys() == {
        "method",
        "request_id",
    }


def test_the_caller_names_the_call_or_is_told_its_name(meter: RpcMeter) -> None:
    lease = query_pb.LeaseBatchRequest(parent="pools/p", request_id="mine-1")
    context = Context((REQUEST_ID, "other"))
    assert answer(meter, "LeaseBatch", lease, context=context)["request_id"] == "mine-1"
    assert trailer(context) == "mine-1"
    context = Context(("user-agent", "grpc"), (REQUEST_ID, "other"))
    assert answer(meter, "ListPools", None, context=context)["request_id"] == "other"
    # What a header cannot hold.
    for odd in ("Ümlaut", "two lines\n", "x" * 129):
        lease.request_id = odd
        context = Context()
        answer(meter, "LeaseBatch", lease, context=context)
        assert re.fullmatch("[0-9a-f]{32}", trailer(context))


def test_an_error_keeps_its_details_and_the_name(meter: RpcMeter) -> None:
    context = Context((REQUEST_ID, "mine"))
    answer(meter, "GetRun", run_pb.GetRunRequest(), NotFoundError("gone"), context)
    assert [key for key, _ in context.trailing_metadata()] == [REQUEST_ID, DETAILS_TRAILER]
    assert trailer(context) == "mine"


@pytest.mark.parametrize(
    ("error", "level", "code", "reason"),
    [
        (None, logging.DEBUG, "OK", None),
        (NotFoundError("gone", reason="GONE"), logging.INFO, "NOT_FOUND", "GONE"),
        (UnavailableError("away", reason="AWAY"), logging.WARNING, "UNAVAILABLE", "AWAY"),
        (KeyError("broken"), logging.WARNING, "INTERNAL", "INTERNAL"),
    ],
)
def test_the_end_is_logged(
    meter: RpcMeter,
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
    level: int,
    code: str,
    reason: str | None,
) -> None:
    def call() -> None:
        act_as(Caller("ann", Role.READER, None, "1f2e3d4c5b6a"))
        answer(meter, "GetRun", run_pb.GetRunRequest(), error)

    with caplog.at_level(logging.DEBUG, logger="services"):
        copy_context().run(call)
    line: Any = caplog.records[-1]
    assert (line.message, line.levelno, line.code) == ("call ended", level, code)
    assert line.caller == "1f2e3d4c5b6a"
    assert getattr(line, "reason", None) == reason
    assert 0 <= line.duration_s < 5


def test_a_call_that_nobody_waits_for_any_more(
    meter: RpcMeter, caplog: pytest.LogCaptureFixture
) -> None:
    def call() -> Generator[None]:
        with observed(RPCS["WatchRun"], Context(), meter):
            yield

    with caplog.at_level(logging.DEBUG, logger="services"):
        stream = call()
        next(stream)
        stream.close()
    line: Any = caplog.records[-1]
    assert line.code == "CANCELLED"


def test_observing_costs_less_than_a_tenth_of_a_millisecond(meter: RpcMeter) -> None:
    """The best of several rounds, at the default level: the machine may be busy."""
    lease, context = query_pb.LeaseBatchRequest(parent="pools/p", size=8), Context()
    rounds: list[float] = []
    for _ in range(20):
        began = perf_counter()
        for _ in range(100):
            answer(meter, "LeaseBatch", lease, context=context)
        rounds.append((perf_counter() - began) / 100)
    assert min(rounds) < 100e-6
