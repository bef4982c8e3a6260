"""Exactly once, whatever is killed: a cluster of several nodes, SIGKILL, a few seeded points.

`make kills` does the same two hundred times, at random points.
"""

import sys
from pathlib import Path

import pytest

from tests.kills.campaign import prepared
from tests.kills.points import Kind, Point, Stage

IMAGES = 320
POINTS = [
    Point(Stage.LISTING, 0.5, Kind.DRIVER),
    Point(Stage.EMBEDDING, 0.15, Kind.NODE),
    Point(Stage.EMBEDDING, 0.3, Kind.ACTOR),
    Point(Stage.EMBEDDING, 0.5, Kind.DRIVER),
    Point(Stage.EMBEDDING, 0.75, Kind.ACTOR),
    Point(Stage.RANKING, 0.3, Kind.DRIVER),
]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's events are counted")
@pytest.mark.timeout(600)
def test_no_kill_loses_or_repeats_anything(tmp_path: Path) -> None:
    with prepared(tmp_path, IMAGES) as campaign:
        finished = campaign.run(0, POINTS, len(POINTS))
    assert finished.problems == []
    happened = [kill["kind"] for kill in finished.kills]
    # A run may be over before a late point is reached.
    assert happened[:4] == [point.kind.value for point in POINTS[:4]]
