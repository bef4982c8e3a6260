import pytest

from poolscore.v1 import run_service_pb2 as run_pb
from services.demo.annotator import begin


class Runs:
    """Runs by request id, as the service keeps them; `states` are those of the first ones."""

    def __init__(self, *states: int) -> None:
        self.states = list(states)
        self.by_request: dict[str, run_pb.Run] = {}

    def start(self, request_id: str) -> run_pb.Run:
        if request_id not in self.by_request:
            number = len(self.by_request)
            state = self.states[number] if number < len(self.states) else run_pb.RUN_STATE_PENDING
            run = run_pb.Run(name=f"pools/p/runs/{number + 1}")
            run.state = run_pb.RunState.ValueType(state)
            self.by_request[request_id] = run
        return self.by_request[request_id]


@pytest.mark.parametrize(
    "state", [run_pb.RUN_STATE_PENDING, run_pb.RUN_STATE_RUNNING, run_pb.RUN_STATE_SUCCEEDED]
)
def test_a_run_of_an_earlier_start_is_found(state: int):
    assert begin(Runs(state).start, "train-1").name == "pools/p/runs/1"


def test_runs_that_ended_in_vain_are_tried_anew_by_every_start():
    runs = Runs(run_pb.RUN_STATE_FAILED, run_pb.RUN_STATE_CANCELLED)
    assert begin(runs.start, "train-1").name == "pools/p/runs/3"
    assert begin(runs.start, "train-1").name == "pools/p/runs/3"
    assert list(runs.by_request) == ["train-1", "train-1-2", "train-1-3"]
