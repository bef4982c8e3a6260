"""`poolscore embed`: embed a folder or a list of images into a pool; and `poolscore tune`."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from pipelines.bar import run_bar
from pipelines.headline import headline, unchanged
from pipelines.tune_command import tune
from poolscore.cli.complete import stored_pools
from poolscore.cli.exit_codes import INTERRUPTED
from poolscore.config import Settings
from poolscore.errors import AbortedError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(embed)
    app.command()(tune)


def embed(
    name: Annotated[str, typer.Argument(help="The pool.", autocompletion=stored_pools)],
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders, lists (.txt, .csv, .parquet), Parquet files with images, and tars; as "
            "paths, s3:// or gs:// addresses. Or pools/OTHER to share the embeddings of another "
            "pool with the same encoder.",
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
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop images that their source has no longer.")
    ] = False,
) -> None:
    """Embed the images that the pool does not hold yet or that have changed, and rank the pool.

    The same command goes on where an earlier one was stopped, killed or failed.
    """
    from pipelines.embed_spec import named_pool
    from pipelines.sources.resolve import check_sources
    from poolscore.store.catalog import Catalog
    from poolscore.store.files import reach_store
    from poolscore.store.pools import get_pool

    settings = Settings()
    catalog = Catalog.open(settings.catalog_url)
    get_pool(catalog, name)
    store = reach_store(settings.store_uri)
    places = sources if named_pool(sources) else check_sources(sources)
    # Ray and torch take seconds to import: after what can be refused without them.
    from pipelines.config import EmbedConfig
    from pipelines.session import embed_here

    config = EmbedConfig(max_reject_ratio=max_rejects, rows_per_shard=rows_per_shard)
    console = Console()
    with _stop_on_interrupt(console) as stop, run_bar(console) as bar:
        try:
            outcome = embed_here(
                catalog,
                store,
                name,
                places,
                bar.show,
                stop.asked,
                config,
                ray_address or None,
                prune,
            )
        except AbortedError as error:
            bar.close()
            if not stop.asked():  # but by `CancelRun`, or another process that took the run over
                raise
            said = f"{error.message[0].upper()}{error.message[1:]}."
            console.print(said, highlight=False, markup=False)
            raise typer.Exit(INTERRUPTED) from error
    progress = outcome.progress
    console.print(headline(progress, changed=outcome.changed, prune=prune))
    if progress.changed:
        console.print(f"  changed   {progress.changed:>7,}  embedded again", highlight=False)
    if same := unchanged(progress):
        console.print(f"  unchanged {same:>7,}  looked at again", highlight=False)
    if progress.missing:
        what = "dropped" if prune else "gone from the source, kept in the pool; --prune drops them"
        console.print(f"  missing   {progress.missing:>7,}  {what}", highlight=False)
    for reason, count in sorted(progress.rejects.items()):
        console.print(f"  rejected  {count:>7,}  {reason}", highlight=False)
    console.print(
        f"{outcome.snapshot.name}: {outcome.snapshot.embedded:,} embedded, "
        f"{outcome.snapshot.rejected:,} rejected; ranking {outcome.ranking} is active.",
        highlight=False,
    )
    console.print(f"Next: poolscore serve, then poolscore lease {name}", highlight=False)


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
