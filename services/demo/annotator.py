"""One round of the loop as clients do it: lease, answer, train, all over gRPC.

Every request id is made of the round's number, so that a demo that was killed repeats nothing when
it is started again: the service answers with what it did the first time.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from poolscore.client import Client
from poolscore.errors import FailedPreconditionError
from poolscore.v1 import label_service_pb2 as label_pb
from poolscore.v1 import run_service_pb2 as run_pb

OnRun = Callable[[run_pb.Run], None]

ANNOTATOR = "ground-truth"
_LEASE = timedelta(hours=1)


def run_round(
    client: Client, pool: str, number: int, size: int, truth: Mapping[str, str], on_run: OnRun
) -> run_pb.Run:
    """Lease `size` items, answer them with the truth and train; returns the ended training run."""
    batch = client.lease(pool, size, ANNOTATOR, duration=_LEASE, request_id=f"lease-{number}")
    answers = [
        label_pb.LabelInput(
            item=item.name,
            answer=label_pb.Answer(label=truth[item.uri]),
            annotator=ANNOTATOR,
            batch=batch.name,
        )
        for item in batch.items
    ]
    if answers:
        result = client.submit_labels(pool, answers, request_id=f"labels-{number}")
        if result.refused:
            first = next(each.message for each in result.results if each.reason)
            raise FailedPreconditionError(f"{result.refused} answers were refused: {first}")
    run = begin(lambda key: client.train(pool, request_id=key), f"train-{number}")
    return follow(client, run, on_run)


def begin(start: Callable[[str], run_pb.Run], key: str) -> run_pb.Run:
    """Start the run with this request id, or find it from an earlier start of the demo.

    One that failed or was cancelled then is not the answer for ever: it is tried once more.
    """
    ended_in_vain = (run_pb.RUN_STATE_FAILED, run_pb.RUN_STATE_CANCELLED)
    run, attempt = start(key), 1
    while run.state in ended_in_vain:
        attempt += 1
        run = start(f"{key}-{attempt}")
    return run


def follow(client: Client, run: run_pb.Run, on_run: OnRun) -> run_pb.Run:
    """Watch a run to its end and return it; raises FailedPreconditionError when it failed."""
    for state in client.watch_run(run.name):
        run = state
        on_run(run)
    if run.state != run_pb.RUN_STATE_SUCCEEDED:
        state = run_pb.RunState.Name(run.state).removeprefix("RUN_STATE_").lower()
        raise FailedPreconditionError(
            f"{run.name} {state}: {run.error or 'no reason was given'}", reason="RUN_FAILED"
        )
    return run
