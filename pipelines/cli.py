"""`poolscore embed`: embed a folder or a list of images into a pool; and `poolscore tune`."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from pipelines.bar import run_bar
from pipelines.tune_command import tune
from poolscore.config import Settings
from poolscore.errors import AbortedError
from poolscore.store.records import RunProgress


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(embed)
    app.command()(tune)


def embed(
    name: Annotated[str, typer.Argument(help="The pool.")],
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, a .csv or .parquet list with a 'path' column, or pools/OTHER to share "
            "the embeddings of another pool with the same encoder."
        ),
    ],
    ray_address: Annotated[
        str,
        typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; empty: a local one for this run."),
    ] = "",
    max_rejects: Annotated[
        float, typer.Option(min=0, max=1, help="Do not commit with a larger share of rejects.")
    ] = 0.5,
    rows_per_shard: Annotated[
        int, typer.Option(min=1, help="Images in a shard; a stopped run repeats open shards.")
    ] = 128,
) -> None:
    """Embed the images of SOURCE that the pool does not hold yet, and rank the pool.

    The same command goes on where an earlier one was stopped, killed or failed.
    """
    from pipelines.share import is_pool
    from pipelines.sources import check_source
    from poolscore.store.catalog import Catalog
    from poolscore.store.files import open_store
    from poolscore.store.pools import get_pool

    settings = Settings()
    catalog = Catalog.open(settings.catalog_url)
    get_pool(catalog, name)
    place = source if is_pool(source) else str(check_source(source).resolve())
    # Ray and torch take seconds to import: after what can be refused without them.
    from pipelines.config import EmbedConfig
    from pipelines.session import embed_here

    config = EmbedConfig(max_reject_ratio=max_rejects, rows_per_shard=rows_per_shard)
    console = Console()
    with _stop_on_interrupt(console) as stop, run_bar(console) as bar:
        try:
            outcome = embed_here(
                catalog,
                open_store(settings.store_uri),
                name,
                place,
                bar.show,
                stop.asked,
                config,
                ray_address or None,
            )
        except AbortedError as error:
            bar.close()
            console.print(f"{error.message[0].upper()}{error.message[1:]}.", highlight=False)
            raise typer.Exit(130) from error
    progress = outcome.progress
    if outcome.changed:
        console.print(
            f"Embedded [bold]{progress.done - sum(progress.rejects.values()):,}[/bold] images"
            f"{_resumed(progress)}{_known(outcome.known)}."
        )
    else:
        console.print(f"Nothing new: the pool holds all {outcome.known:,} inputs already.")
    for reason, count in sorted(progress.rejects.items()):
        console.print(f"  rejected  {count:>7,}  {reason}", highlight=False)
    console.print(
        f"{outcome.snapshot.name}: {outcome.snapshot.embedded:,} embedded, "
        f"{outcome.snapshot.rejected:,} rejected; ranking {outcome.ranking} is active.",
        highlight=False,
    )
    console.print(f"Next: poolscore serve, then poolscore lease {name}", highlight=False)


def _resumed(progress: RunProgress) -> str:
    return f" ({progress.resumed:,} before this run was resumed)" if progress.resumed else ""


def _known(known: int) -> str:
    return f"; {known:,} were in the pool already" if known else ""


class _Stop:
    """The first interrupt asks the run to stop, the second one ends the process."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._asked = False

    def asked(self) -> bool:
        return self._asked

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        self._console.print("Stopping; once more to end at once.")


@contextmanager
def _stop_on_interrupt(console: Console) -> Generator[_Stop]:
    stop = _Stop(console)
    before = signal.signal(signal.SIGINT, stop.interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
