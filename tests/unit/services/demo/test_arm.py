from datetime import datetime, timedelta

from poolscore.v1 import run_service_pb2 as run_pb
from services.demo.arm import State
from services.demo.measure import doubt_of


def test_seconds_are_those_of_the_run_without_the_wait_for_a_worker():
    run, begun = run_pb.Run(), datetime(2026, 1, 1)
    run.create_time.FromDatetime(begun - timedelta(seconds=30))
    run.start_time.FromDatetime(begun)
    run.end_time.FromDatetime(begun + timedelta(seconds=2.5))
    state = State(run=run, labels=0, accuracy=0.5, doubt=doubt_of([], {}), ranking=[])
    assert state.seconds == 2.5
