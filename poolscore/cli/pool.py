"""`poolscore pool`: register pools, look at them, change and delete them."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from poolscore.cli.complete import stored_pools
from poolscore.cli.json_lines import AsJson, print_json
from poolscore.cli.options import EncoderName, Pretrained, Template, TowerPrecision
from poolscore.config import Settings
from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.pool_message import pool_message
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, delete_pool, undelete_pool, update_pool
from poolscore.store.files import reach_store
from poolscore.store.pool_rules import DEFAULT_STRATEGY, DEFAULT_TEMPLATE
from poolscore.store.pools import create_pool, get_pool, list_pools
from poolscore.store.records import Pool
from poolscore.user_files import file_errors

Name = Annotated[str, typer.Argument(help="The pool.", autocompletion=stored_pools)]

commands = typer.Typer(help="Register, show, change and delete pools.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the `pool` commands."""
    app.add_typer(commands, name="pool")


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and '-'.")],
    classes: Annotated[str, typer.Option(help="Class names, separated by commas.")] = "",
    classes_file: Annotated[
        Path | None, typer.Option(help="A file with one class name a line, instead of --classes.")
    ] = None,
    template: Template = DEFAULT_TEMPLATE,
    encoder: EncoderName = EMBEDDED_MODEL,
    pretrained: Pretrained = "",
    precision: TowerPrecision = "auto",
    visual_tuning: Annotated[
        Path | None, typer.Option(help="File of `poolscore tune` for this encoder.")
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="How to choose what to label next.")
    ] = DEFAULT_STRATEGY,
    train_after: Annotated[
        int, typer.Option(help="Train by itself after so many new labels; 0: on request only.")
    ] = 0,
    budget: Annotated[int, typer.Option(help="Labels that may be bought; 0: no limit.")] = 0,
) -> None:
    """Register a pool."""
    settings = Settings()
    catalog = Catalog.open(settings.catalog_url)
    names = _classes(classes, classes_file)
    spec = EncoderSpec(
        model=encoder,
        pretrained=_pretrained(pretrained),
        precision=precision,
        visual_tuning=str(visual_tuning or ""),
    )
    # Mistakes in the names show before the encoder has been loaded, which takes seconds.
    given = strategy, train_after, ""
    create_pool(catalog, name, names, template, spec, "", *given, validate_only=True, budget=budget)
    reach_store(settings.store_uri)
    spec, digest = _resolve(spec)
    pool = create_pool(catalog, name, names, template, spec, digest, *given, budget=budget)
    console = Console()
    console.print(f"[green]Created[/green] pool [bold]{name}[/bold].")
    console.print(_details(pool))
    console.print(f"Next: poolscore embed {name} FOLDER", highlight=False)


@commands.command(name="list")
def list_(
    deleted: Annotated[bool, typer.Option("--all", help="Deleted pools as well.")] = False,
    matching: Annotated[
        str, typer.Option("--filter", help='Such as: strategy = "entropy" AND active_snapshot:*')
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List pools."""
    catalog = Catalog.open(Settings().catalog_url)
    pools = _all_pools(catalog, show_deleted=deleted, filter_text=matching)
    if as_json:
        for pool in pools:
            print_json(pool_message(pool))
        return
    table = Table(box=box.SIMPLE)
    for heading in ("pool", "encoder", "prompts"):
        table.add_column(heading, no_wrap=True)
    for heading in ("classes", "images", "answered", "leased"):
        table.add_column(heading, justify="right")
    for pool in pools:
        counts = (len(pool.classes), pool.counts.embedded, pool.counts.answered, pool.counts.leased)
        numbers = [f"{count:,}" for count in counts]
        name = pool.pool_id + (" (deleted)" if pool.delete_time else "")
        table.add_row(name, pool.encoder.model, _prompts(pool), *numbers)
    if table.row_count:
        Console().print(table)
    elif matching:
        typer.echo("No pool matches.")
    else:
        typer.echo("There are no pools yet. Next: poolscore pool create NAME --classes cat,dog")


@commands.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one pool."""
    pool = get_pool(Catalog.open(Settings().catalog_url), name, also_deleted=True)
    if as_json:
        print_json(pool_message(pool))
    else:
        Console().print(_details(pool))


@commands.command()
def update(
    name: Name,
    display_name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="How to choose what to label next, from the next ranking on.")
    ] = None,
    train_after: Annotated[
        int | None, typer.Option(help="Train after so many new labels; 0: on request only.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Labels that may be bought; 0: no limit.")
    ] = None,
    classes: Annotated[
        str, typer.Option(help="All class names, separated by commas, new ones last.")
    ] = "",
    classes_file: Annotated[
        Path | None, typer.Option(help="A file with one class name a line, instead of --classes.")
    ] = None,
) -> None:
    """Change a pool; what is not given stays."""
    named = bool(classes) or classes_file is not None
    change = PoolChange(
        display_name=display_name,
        strategy=strategy,
        train_after_labels=train_after,
        budget=budget,
        classes=_classes(classes, classes_file) if named else None,
    )
    if change == PoolChange():
        raise InvalidInputError(
            "nothing to change was given; see 'poolscore pool update --help'",
            reason="NOTHING_TO_CHANGE",
        )
    pool, run = update_pool(Catalog.open(Settings().catalog_url), name, change)
    Console().print(_details(pool))
    if run is not None:
        typer.echo(
            f"Run {run.number} ranks by the new classes once 'poolscore serve' runs; until then "
            "leases come from the old ranking."
        )


@commands.command()
def delete(name: Name) -> None:
    """Hide a pool; nothing of it is lost."""
    delete_pool(Catalog.open(Settings().catalog_url), name)
    typer.echo(f"Deleted pool {name}. 'poolscore pool undelete {name}' brings it back.")


@commands.command()
def undelete(name: Name) -> None:
    """Bring a deleted pool back."""
    undelete_pool(Catalog.open(Settings().catalog_url), name)
    typer.echo(f"Pool {name} is back.")


def _classes(listed: str, file: Path | None) -> list[str]:
    if bool(listed) == (file is not None):
        raise InvalidInputError(
            "give the class names with --classes a,b,c or with --classes-file FILE",
            reason="INVALID_CLASSES",
        )
    if file is None:
        return [name.strip() for name in listed.split(",")]
    advice = "give a UTF-8 text file with one class name a line"
    with file_errors(file, advice, "INVALID_CLASSES"):
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _pretrained(pretrained: str) -> str:
    """A file becomes an absolute path: workers run in other folders."""
    file = Path(pretrained).expanduser()
    return str(file.resolve()) if pretrained and file.is_file() else pretrained


def _resolve(spec: EncoderSpec) -> tuple[EncoderSpec, str]:
    """The encoder's digest, and the spec with the precision that `auto` means here.

    Kept with the pool, so that a machine with other arithmetic does not embed it differently.
    """
    from poolscore.encoder.load import load_encoder  # torch: seconds, and only needed here

    with Console(stderr=True).status(f"Loading {spec.model} ..."):
        encoder = load_encoder(spec, device="auto")
    return spec.model_copy(update={"precision": encoder.precision}), encoder.digest


def _all_pools(catalog: Catalog, *, show_deleted: bool, filter_text: str) -> list[Pool]:
    pools: list[Pool] = []
    token = ""
    while True:
        more, token = list_pools(
            catalog, page_token=token, show_deleted=show_deleted, filter_text=filter_text
        )
        pools += more
        if not token:
            return pools


def _prompts(pool: Pool) -> str:
    version = pool.active_prompt_version
    return "-" if version is None else f"{version}" if version else "0 (zero-shot)"


def _budget(pool: Pool) -> str:
    if not pool.budget:
        return f"no limit, {pool.spent:,} spent"
    return f"{pool.budget:,} labels, {pool.spent:,} spent, {pool.counts.leased:,} leased"


def _details(pool: Pool) -> Table:
    shown = ", ".join(pool.classes[:8]) + (", ..." if len(pool.classes) > 8 else "")
    pretrained = f" ({pool.encoder.pretrained})" if pool.encoder.pretrained else ""
    trains = f"after {pool.train_after_labels} new labels" if pool.train_after_labels else ""
    rows = {
        "name": pool.name,
        "classes": f"{len(pool.classes)}: {shown}",
        "template": pool.template,
        "encoder": f"{pool.encoder.model}{pretrained}, {pool.encoder.precision}",
        **({"tuning": pool.encoder.visual_tuning} if pool.encoder.visual_tuning else {}),
        "digest": pool.encoder_digest,
        "strategy": pool.strategy,
        "trains": trains or "on request",
        "images": f"{pool.counts.embedded:,} embedded, {pool.counts.rejected:,} rejected",
        "labels": f"{pool.counts.answered:,} answered, {pool.counts.leased:,} leased now",
        "prompts": _prompts(pool),
        "ranking": "-" if pool.active_ranking is None else str(pool.active_ranking),
        "budget": _budget(pool),
        **({"deleted": f"{pool.delete_time:%Y-%m-%d %H:%M} UTC"} if pool.delete_time else {}),
    }
    table = Table.grid(padding=(0, 2))
    for key, value in rows.items():
        table.add_row(f"[dim]{key}[/dim]", escape(value))
    return table
