"""`poolscore prompts`: list, train and activate prompt versions."""

from typing import Annotated

import typer
from rich.table import Table

from poolscore.client import Client
from poolscore.v1 import run_service_pb2 as run_pb
from services.commands.following import follow
from services.commands.options import Address, Pool, child, console, last_part

app = typer.Typer(help="Prompt versions: what the model has learned.", no_args_is_help=True)


@app.command("list")
def list_(name: Pool, address: Address = None) -> None:
    """List the versions, newest first."""
    with Client(address) as client:
        versions = list(client.list_prompt_versions(name))
    table = Table()
    for header in ("version", "active", "labels", "ranking", "trained", "metrics"):
        table.add_column(header)
    for version in versions:
        table.add_row(
            last_part(version.name),
            "*" if version.active else "",
            str(version.label_count),
            last_part(version.ranking),
            version.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"),
            ", ".join(f"{key} {value:.3f}" for key, value in sorted(version.metrics.items())),
        )
    console.print(table)


@app.command()
def train(
    name: Pool,
    wait: Annotated[bool, typer.Option(help="Wait until the new version is active.")] = True,
    address: Address = None,
) -> None:
    """Train the next version from all answers, score again and switch to it."""
    with Client(address) as client:
        run = client.train(name)
        console.print(f"run {last_part(run.name)} queued")
        if wait:
            run = follow(client, run, "the trainer", "training")
    if run.state == run_pb.RUN_STATE_SUCCEEDED:
        console.print(
            f"prompt version {last_part(run.prompt_version)} is active with ranking "
            f"{last_part(run.ranking)}"
        )


@app.command()
def activate(
    name: Pool,
    version: Annotated[str, typer.Argument(help="Number of the version.")],
    address: Address = None,
) -> None:
    """Go back (or forward) to a version and its stored ranking; nothing is recomputed."""
    with Client(address) as client:
        active = client.activate(child(name, "promptVersions", version))
    console.print(
        f"prompt version {last_part(active.name)} is active with ranking "
        f"{last_part(active.ranking)}"
    )
