"""`poolscore rescore`: rank the cached embeddings again."""

from typing import Annotated

import typer

from poolscore.client import Client
from poolscore.config import Settings
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
    here: Annotated[
        bool, typer.Option("--here", help="Do it in this process, without a service.")
    ] = False,
    ray_address: Annotated[
        str,
        typer.Option(envvar="RAY_ADDRESS", help="Ray cluster for --here; empty: a local one."),
    ] = "",
    address: Address = None,
) -> None:
    """Score and rank again; with --strategy the active ranking stays."""
    if here:
        number, made_with = _rescore_here(name, strategy, version, ray_address)
    else:
        number, made_with = _ask(name, strategy, version, address)
    ranking = f"ranking {number} of prompt version {made_with}"
    if strategy:
        console.print(f"{ranking} is there: poolscore lease {name} --strategy {strategy}")
    else:
        console.print(f"{ranking} is active")


def _ask(name: str, strategy: str, version: str, address: str | None) -> tuple[str, str]:
    """Have the service do it; the numbers of the ranking and of its prompt version."""
    with Client(address) as client:
        prompts = child(name, "promptVersions", version) if version else ""
        run = client.rescore(name, strategy=strategy, prompt_version=prompts)
        console.print(f"run {last_part(run.name)} queued")
        run = follow(client, run, "the embedder", "ranking")
    return last_part(run.ranking), last_part(run.prompt_version)


def _rescore_here(name: str, strategy: str, version: str, ray_address: str) -> tuple[int, int]:
    from pipelines.session import rescore_here  # Ray: the client commands do without it
    from poolscore.store.catalog import Catalog
    from poolscore.store.files import reach_store
    from services.api.names import PROMPT_VERSIONS, check_same_pool, parse_numbered

    settings = Settings()
    number: int | None = None
    if version:
        prompts = child(name, "promptVersions", version)
        parent, number = parse_numbered(prompts, PROMPT_VERSIONS, "--version")
        check_same_pool(parent, name, "--version")
    catalog = Catalog.open(settings.catalog_url)
    store = reach_store(settings.store_uri)
    with console.status("re-scoring ...") as status:
        outcome = rescore_here(
            catalog, store, name, strategy, number, status.update, ray_address or None
        )
    return outcome.ranking.number, outcome.ranking.prompt_version
