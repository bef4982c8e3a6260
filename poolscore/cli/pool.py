"""`poolscore pool`: register pools and look at them."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from poolscore.cli.options import EncoderName, Pretrained, Template, TowerPrecision
from poolscore.config import Settings
from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.errors import InvalidInputError
from poolscore.store.catalog import Catalog
from poolscore.store.files import reach_store
from poolscore.store.pool_rules import DEFAULT_STRATEGY, DEFAULT_TEMPLATE
from poolscore.store.pools import create_pool, get_pool, list_pools
from poolscore.store.records import Pool
from poolscore.user_files import file_errors

commands = typer.Typer(help="Register pools of images and look at them.", no_args_is_help=True)


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
    create_pool(catalog, name, names, template, spec, "", strategy, train_after, validate_only=True)
    reach_store(settings.store_uri)
    spec, digest = _resolve(spec)
    pool = create_pool(catalog, name, names, template, spec, digest, strategy, train_after)
    console = Console()
    console.print(f"[green]Created[/green] pool [bold]{name}[/bold].")
    console.print(_details(pool))
    console.print(f"Next: poolscore embed {name} FOLDER", highlight=False)


@commands.command(name="list")
def list_() -> None:
    """List pools."""
    catalog = Catalog.open(Settings().catalog_url)
    table = Table(box=box.SIMPLE)
    for heading in ("pool", "encoder", "prompts"):
        table.add_column(heading, no_wrap=True)
    for heading in ("classes", "images", "answered", "leased"):
        table.add_column(heading, justify="right")
    for pool in _all_pools(catalog):
        counts = (len(pool.classes), pool.counts.embedded, pool.counts.answered, pool.counts.leased)
        numbers = [f"{count:,}" for count in counts]
        table.add_row(pool.pool_id, pool.encoder.model, _prompts(pool), *numbers)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("There are no pools yet. Next: poolscore pool create NAME --classes cat,dog")


@commands.command()
def show(name: Annotated[str, typer.Argument(help="The pool.")]) -> None:
    """Show one pool."""
    Console().print(_details(get_pool(Catalog.open(Settings().catalog_url), name)))


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


def _all_pools(catalog: Catalog) -> list[Pool]:
    pools, token = list_pools(catalog)
    while token:
        more, token = list_pools(catalog, page_token=token)
        pools += more
    return pools


def _prompts(pool: Pool) -> str:
    version = pool.active_prompt_version
    return "-" if version is None else f"{version}" if version else "0 (zero-shot)"


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
    }
    table = Table.grid(padding=(0, 2))
    for key, value in rows.items():
        table.add_row(f"[dim]{key}[/dim]", escape(value))
    return table
