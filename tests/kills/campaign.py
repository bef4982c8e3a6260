"""Trials one after the other until there were enough kills."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from traceback import format_exception
from typing import Any

from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from tests.embedding_world import EmbeddingWorld
from tests.kills.check import Result, find_problems, read_result
from tests.kills.driver import ROWS_PER_SHARD, warm_up
from tests.kills.nodes import WORKERS, Nodes, running_nodes
from tests.kills.openings import Openings
from tests.kills.points import Kind, Point, Stage, draw_points
from tests.kills.trial import Kill, Pace, Trial
from tests.photographs import write_broken, write_photographs

IN_FLIGHT = 2 * WORKERS
"""Blocks that are encoded, or being encoded, and not committed: one being encoded for each encoder
and one being written, so that every worker loses one block at most."""
LOST_BLOCKS = {Kind.DRIVER: IN_FLIGHT, Kind.NODE: IN_FLIGHT, Kind.ACTOR: 2}
"""Blocks whose images may be opened again after a kill. Ray gives the next encoder what the killed
one had: the block it was at, and one whose end nobody had heard of yet."""


@dataclass(frozen=True)
class Finished:
    """A trial that came to its end, or did not."""

    seed: int
    kills: list[dict[str, Any]]
    """One record a kill."""
    errors: list[str]
    problems: list[str]
    """Empty when all is well."""


class Campaign:
    """The images, the cluster, and the undisturbed run that all others must equal."""

    def __init__(self, folder: Path, images: int, nodes: Nodes, openings: Openings) -> None:
        """Embed undisturbed; `folder` has the images already."""
        self._folder, self._nodes, self._openings = folder, nodes, openings
        self._images = folder / "images"
        warm_up()
        self._digest = load_encoder(EncoderSpec()).digest
        world = self._new_world("reference")
        trial = Trial(world, self._images, nodes, openings, Random(0))
        trial.run(Pace({}, images))
        if openings.repeated or trial.errors:
            raise AssertionError(f"undisturbed: {openings.repeated} opened twice, {trial.errors}")
        self.reference: Result = read_result(world)
        self.pace = _pace(trial, openings.images)
        self._inputs = {path.absolute().as_uri() for path in self._images.iterdir()}

    def run(self, seed: int, points: list[Point] | None, count: int) -> Finished:
        """Embed anew with these kills, or with `count` that the seed draws."""
        random = Random(seed)
        world = self._new_world(f"trial-{seed}")
        trial = Trial(world, self._images, self._nodes, self._openings, random)
        try:
            trial.run(self.pace, points or draw_points(random, count))
            problems = find_problems(world, self.reference, self._inputs)
        except Exception as error:  # whatever it is, the next trial can tell more
            problems = ["".join(format_exception(error))]
        problems += _beyond_bounds(trial, self._openings)
        if not problems:
            shutil.rmtree(world.home)
        return Finished(seed, [_record(seed, each) for each in trial.kills], trial.errors, problems)

    def _new_world(self, name: str) -> EmbeddingWorld:
        home = self._folder / name
        home.mkdir()
        return EmbeddingWorld.create(home, self._digest)


@contextmanager
def prepared(folder: Path, count: int) -> Generator[Campaign]:
    """Write `count` photographs and some broken files, start the cluster, embed undisturbed."""
    images = folder / "images"
    write_photographs(images, count)
    # A link to nowhere can be opened by nobody.
    readable = count + len(write_broken(images)) - 1
    with running_nodes() as nodes, Openings(images) as openings:
        yield Campaign(folder, readable, nodes, openings)


def _pace(trial: Trial, readable: int) -> Pace:
    began = [trial.began[stage] for stage in Stage]
    ends = [*began[1:], trial.ended]
    spent = [end - start for start, end in zip(began, ends, strict=True)]
    return Pace(dict(zip(Stage, spent, strict=True)), readable)


def _beyond_bounds(trial: Trial, openings: Openings) -> list[str]:
    unexplained = openings.repeated[-1]
    problems = [f"{unexplained} images opened twice without a kill"] if unexplained else []
    return problems + [
        f"{each.repeated} images opened again after the kill of the {each.point.kind} at "
        f"{each.images}, more than {LOST_BLOCKS[each.point.kind]} blocks of {ROWS_PER_SHARD}"
        for each in trial.kills
        if each.repeated > LOST_BLOCKS[each.point.kind] * ROWS_PER_SHARD
    ]


def _record(seed: int, kill: Kill) -> dict[str, Any]:
    return {
        "seed": seed,
        "kind": kill.point.kind.value,
        "stage": kill.point.stage.name.lower(),
        "fraction": round(kill.point.fraction, 3),
        "images_opened": kill.images,
        "images_repeated": kill.repeated,
        "resumed_s": None if kill.resumed_s is None else round(kill.resumed_s, 2),
    }
