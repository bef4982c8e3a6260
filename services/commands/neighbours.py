"""`poolscore neighbours`: find the nearest neighbours and near-duplicates of a pool anew."""

from typing import Annotated

import typer

from poolscore.client import Client
from poolscore.neighbours.limits import MOST_NEIGHBOURS, NEIGHBOURS
from poolscore.v1 import run_service_pb2 as run_pb
from services.commands.following import follow
from services.commands.options import Address, Pool, console, last_part


def neighbours(
    name: Pool,
    k: Annotated[
        int, typer.Option("--k", min=1, max=MOST_NEIGHBOURS, help="Neighbours of each image.")
    ] = NEIGHBOURS,
    wait: Annotated[bool, typer.Option(help="Wait until the graph is there.")] = True,
    address: Address = None,
) -> None:
    """Find neighbours and near-duplicates of all images again, from scratch.

    Every embedding run does it for the images it adds. Rankings made afterwards use the new graph.
    """
    with Client(address) as client:
        run = client.build_neighbours(name, k)
        console.print(f"run {last_part(run.name)} queued")
        if wait:
            run = follow(client, run, "the embedder", "finding neighbours")
    if run.state == run_pb.RUN_STATE_SUCCEEDED:
        seconds = sum(stage.seconds for stage in run.stages)
        console.print(
            f"{k} neighbours of {run.progress.total:,} images found in {seconds:,.1f} s",
            highlight=False,
        )
