"""`poolscore admin`: look after a catalog: who changed what, backups, and whether all is whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from poolscore.cli.complete import stored_pools
from poolscore.cli.exit_codes import FAILED
from poolscore.cli.json_lines import AsJson, print_json
from poolscore.config import Settings
from poolscore.store.audit import NO_POOL
from poolscore.store.audit_trail import read_trail
from poolscore.store.catalog import Catalog
from poolscore.store.files import reach_store
from poolscore.store.records import AuditEvent

if TYPE_CHECKING:
    from poolscore.store.backup_file import BackupManifest

commands = typer.Typer(
    help="Look after the catalog and the file store, on a machine that reaches both.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the `admin` commands."""
    app.add_typer(commands, name="admin")


@commands.command()
def audit(
    pool: Annotated[
        str | None, typer.Option(help="Only changes of this pool.", autocompletion=stored_pools)
    ] = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="Only changes of tokens.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only those after this number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show who changed what, oldest first; as JSON with all facts."""
    catalog = Catalog.open(Settings().catalog_url)
    events = read_trail(catalog, NO_POOL if tokens else pool, after)
    if as_json:
        for event in events:
            print_json(vars(event))
        return
    table = Table(box=box.SIMPLE)
    for header in ("pool", "number", "time (UTC)", "who", "did", "to", "request"):
        table.add_column(header, overflow="fold")  # names are there to be copied
    for event in events:
        table.add_row(*map(escape, _cells(event)))
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("There are no such changes.")


@commands.command(name="export")
def export_(
    file: Annotated[Path, typer.Argument(help="The backup; one that exists is replaced.")],
) -> None:
    """Back up the catalog and the prompt versions, while a service may run."""
    from poolscore.store.backup import export_catalog  # alembic: slow to import

    settings = Settings()
    catalog = Catalog.open(settings.catalog_url)
    with Console(stderr=True).status("Exporting ..."):
        manifest = export_catalog(catalog, reach_store(settings.store_uri), file)
    typer.echo(f"Exported {_contents(manifest)} to {file}.")
    typer.echo("Shards, rankings and neighbour graphs are in the file store: back it up as well.")


@commands.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `poolscore admin export` has written.")],
) -> None:
    """Restore a backup into an empty catalog, of either database, beside the same file store."""
    from poolscore.store.backup import import_catalog

    settings = Settings()
    catalog = Catalog.open(settings.catalog_url)
    with Console(stderr=True).status("Importing ..."):
        manifest = import_catalog(file, catalog, reach_store(settings.store_uri))
    typer.echo(f"Imported {_contents(manifest)} from {file}.")
    typer.echo("Next: poolscore admin verify")


@commands.command()
def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Look whether files are there, not what is in them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that all is whole, while a service may run; exit code 1 when something is broken."""
    from poolscore.integrity.verify import verify_store

    settings = Settings()
    store = reach_store(settings.store_uri)
    with _progress() as bar:
        task = bar.add_task("catalog", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        report = verify_store(Catalog(settings.catalog_url), store, quick=quick, progress=show)
    if as_json:
        print_json(vars(report))
        raise typer.Exit(FAILED if report.findings else 0)
    looked_at = ", ".join(f"{count:,} {what}" for what, count in report.looked_at.items())
    if not report.findings:
        typer.echo(f"All is whole: {looked_at}.")
        return
    for finding in report.findings:
        typer.echo(f"{finding.rule}  {finding.where}: {finding.what}; {finding.advice}")
    broken = len(report.findings) + report.more
    unlisted = f", of which {report.more:,} like these are not listed" if report.more else ""
    typer.echo(f"{broken:,} things are broken{unlisted}. Looked at: {looked_at}.", err=True)
    raise typer.Exit(FAILED)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _contents(manifest: "BackupManifest") -> str:
    rows = manifest.rows()
    artefacts = sum(bool(member.uris) for member in manifest.members.values())
    return (
        f"{rows['pools']:,} pools, {sum(rows.values()):,} rows and {artefacts:,} prompt artefacts"
    )


def _cells(event: AuditEvent) -> tuple[str, ...]:
    who = f"{event.actor} ({event.token_id})" if event.token_id else event.actor
    when = f"{event.create_time:%Y-%m-%d %H:%M:%S}"
    changed = event.action, event.resource, event.request_id
    return event.pool_id or "-", str(event.sequence), when, who, *changed
