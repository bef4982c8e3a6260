"""`poolscore report`: one page about a pool."""

from pathlib import Path
from typing import Annotated

import typer

from poolscore.cli.complete import stored_pools
from poolscore.config import Settings
from poolscore.user_files import file_errors
from services.commands.lease import say

Name = Annotated[str, typer.Argument(metavar="NAME", help="The pool.", autocompletion=stored_pools)]


def report(
    name: Name,
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write.  [default: NAME.html]")
    ] = None,
) -> None:
    """Write one page about a pool: labels, learning curve, what comes next, rejects, provenance.

    Reads the catalog and the file store themselves, whether a service runs or not, and the pictures
    of the images that come next.
    """
    from poolscore.store.catalog import Catalog
    from poolscore.store.files import reach_store
    from services.pool_report.collect import collect
    from services.pool_report.write import write_pool_report

    settings, path = Settings(), out or Path(f"{name}.html")
    found = collect(Catalog.open(settings.catalog_url), reach_store(settings.store_uri), name)
    advice = "name a file in a folder that may be written with --out"
    with file_errors(path, advice, "OUT_NOT_USABLE"):
        write_pool_report(found, path)
    say(f"Wrote {path}")
