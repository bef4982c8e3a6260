"""`poolscore rescore`: rank the cached embeddings again."""

from typing import Annotated

import typer

from poolscore.client import Client
from services.commands.following import follow
from services.commands.options import Address, Pool, child, console, last_part


def rescore(
    name: Pool,
    strategy: Annotated[
        str, typer.Option(help="Rank by this strategy, beside the active ranking.")
    ] = "",
    version: Annotated[
        str, typer.Option(help="Number of a prompt version; default: the active one.")
    ] = "",
    address: Address = None,
) -> None:
    """Score and rank again; with --strategy the active ranking stays."""
    with Client(address) as client:
        prompts = child(name, "promptVersions", version) if version else ""
        run = client.rescore(name, strategy=strategy, prompt_version=prompts)
        console.print(f"run {last_part(run.name)} queued")
        run = follow(client, run, "the embedder", "ranking")
    ranking = f"ranking {last_part(run.ranking)} of prompt version {last_part(run.prompt_version)}"
    if strategy:
        console.print(f"{ranking} is there: poolscore lease {name} --strategy {strategy}")
    else:
        console.print(f"{ranking} is active")
