import io

from rich.console import Console

from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import run_service_pb2 as pb
from services.commands.status import describe, pool_table

PROGRESS = pb.RunProgress(
    message="training, loss 0.31",
    total=3010,
    done=1000,
    rejects={"EMPTY": 4, "TRUNCATED": 1},
    rate=148.2,
    seconds_left=13.6,
)


def test_a_run_says_what_it_does() -> None:
    assert describe(PROGRESS, running=True) == (
        "training, loss 0.31, 1,000/3,010, 5 rejected, 148/s, 14 s left"
    )
    assert describe(pb.RunProgress(rate=2.0, seconds_left=-1.0), running=True) == "2/s"


def test_an_ended_run_keeps_its_counts_only() -> None:
    assert describe(PROGRESS, running=False) == "1,000/3,010, 5 rejected"
    assert describe(pb.RunProgress(), running=False) == ""
    found = pb.RunProgress(total=2, done=2, known=5, changed=2, missing=1)
    assert describe(found, running=False) == "2/2, 2 changed, 1 missing"


def test_classes_are_shown_as_they_are() -> None:
    out = io.StringIO()
    pool = pool_pb.Pool(name="pools/p", classes=["cat [tabby]", "[/]"])
    Console(file=out, width=100).print(pool_table(pool))
    assert "2: cat [tabby], [/]" in out.getvalue()
