"""`poolscore evaluate`: simulate active learning on images whose classes are known."""

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from poolscore.cli.exit_codes import INTERRUPTED
from poolscore.cli.options import EncoderName, Pretrained, Template, TowerPrecision
from poolscore.cores import cores
from poolscore.encoder.spec import EMBEDDED_MODEL, EncoderSpec
from poolscore.evaluation.labeled_folder import read_labeled_folders
from poolscore.evaluation.records import Cell, Protocol, Table
from poolscore.store.pool_rules import DEFAULT_TEMPLATE, check_strategy, check_template

if TYPE_CHECKING:
    from poolscore.evaluation.evaluate import Watcher

_HELP = """Compare strategies on labeled images before spending a budget on unlabeled ones.

Each FOLDER has a labels.csv with the columns path, label and, if there is one, split (train, val,
test), or a folder of images for every class; FOLDER:COLUMN takes the classes from another column.
Images of train and val can be asked for, images of test measure accuracy; without a split a fifth
is drawn for testing.

Every strategy starts with zero-shot prompts, asks for images, trains on the answers, and asks
again. Protocol percent asks for 1 % of the pool a round, 6 rounds; per-class for one image a class,
8 rounds. Table selection compares strategies with equal training on answers alone, joint whole
methods with pseudo-labels and some without any answers, candidates the losses for answers that
name several classes.

Writes README.md with figures, cells.csv, summary.json and study.json into --out. Stopped or killed,
the same command goes on with what study.json lacks.

Example: poolscore evaluate photos --strategy coverage --strategy random
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    paragraphs = [" ".join(each.split()) for each in _HELP.split("\n\n")]
    app.command(help="\n\n".join(paragraphs))(evaluate)


def evaluate(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER[:COLUMN]...", help="Images.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("out/evaluate"),
    strategy: Annotated[
        list[str] | None, typer.Option(help="Of table selection; repeatable.  [default: all]")
    ] = None,
    protocol: Annotated[
        list[Protocol] | None, typer.Option(help="Repeatable.  [default: both]")
    ] = None,
    table: Annotated[
        list[Table] | None, typer.Option(help="Repeatable.  [default: selection]")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Simulations of each kind.")] = 3,
    template: Template = DEFAULT_TEMPLATE,
    encoder: EncoderName = EMBEDDED_MODEL,
    pretrained: Pretrained = "",
    precision: TowerPrecision = "auto",
    processes: Annotated[
        int, typer.Option(min=1, help="Simulations at a time: a processor and 1 GB each.")
    ] = cores(),
    cache: Annotated[
        Path | None, typer.Option(help="Folder of the embeddings.  [default: OUT/embeddings]")
    ] = None,
) -> None:
    """Compare strategies on labeled images."""
    # Mistakes show before torch is imported, which takes seconds.
    for name in strategy or ():
        check_strategy(name)
    check_template(template)
    read = read_labeled_folders(folders)
    from poolscore.acquisition.registry import strategy_names
    from poolscore.evaluation.evaluate import Request
    from poolscore.evaluation.evaluate import evaluate as run

    request = Request(
        folders=read,
        out=out,
        cache=cache or out / "embeddings",
        strategies=strategy or strategy_names(),
        protocols=protocol or list(Protocol),
        tables=table or [Table.SELECTION],
        seeds=seeds,
        template=template,
        encoder=EncoderSpec(model=encoder, pretrained=pretrained, precision=precision),
        processes=processes,
    )
    console = Console()
    with _watcher(console) as watcher:
        try:
            page = run(request, watcher)
        except KeyboardInterrupt:
            console.print("Stopped. What was finished is kept: the same command goes on.")
            raise typer.Exit(INTERRUPTED) from None
    console.print(f"Wrote {page}", highlight=False, soft_wrap=True)


class _Bars:
    """A bar for the embedding of each set, then one for the simulations."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def embedding(self, name: str, done: int, total: int) -> None:
        self._show(f"embedding {name}", done, total, "")

    def simulating(self, done: int, total: int, cell: Cell | None) -> None:
        self._show("simulations", done, total, _newest(cell))

    def _show(self, what: str, done: int, total: int, newest: str) -> None:
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(what, total=total, newest="")
        self._progress.update(self._bars[what], completed=done, newest=newest)


class _Lines:
    """The same for a log: a line a minute."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = -math.inf

    def embedding(self, name: str, done: int, total: int) -> None:
        self._say(f"embedding {name}: {done:,} of {total:,} images")

    def simulating(self, done: int, total: int, cell: Cell | None) -> None:
        self._say(f"{done:,} of {total:,} simulations  {_newest(cell)}".rstrip())

    def _say(self, line: str) -> None:
        if time.monotonic() >= self._last + 60:
            self._last = time.monotonic()
            self._console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False)


def _newest(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{cell.key.data} {cell.key.protocol} {cell.key.arm}: {cell.rounds[-1].accuracy:.1%}"


@contextmanager
def _watcher(console: Console) -> "Generator[Watcher]":
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[newest]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)
