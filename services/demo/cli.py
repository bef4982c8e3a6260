"""`poolscore demo`, and photographs to try the other commands with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from poolscore.cli.exit_codes import INTERRUPTED


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(photographs)


def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder of your own with labels.csv (path, label[, split: train, val, test])."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where state, summary and report go.")] = Path(
        "out/demo"
    ),
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Label rounds.")] = 4,
    labels_per_round: Annotated[
        int,
        typer.Option(min=0, max=1000, help="0: two labels a class; one a class with --data."),
    ] = 0,
    strategy: Annotated[str, typer.Option(help="How images are chosen.")] = "coverage",
    pool_size: Annotated[
        int, typer.Option(min=32, help="Photographs in the pool, without --data.")
    ] = 3000,
    test_size: Annotated[
        int, typer.Option(min=16, help="Photographs to measure on, without --data.")
    ] = 480,
    seed: Annotated[int, typer.Option(min=0, help="Of the photographs and of splits.")] = 0,
) -> None:
    """Watch the whole loop on real photographs, beside a control that draws images at random.

    An interrupted demo goes on where it stopped when the same command is given again.
    """
    # Ray and torch take seconds to import; other commands need neither.
    from services.demo.loop import run_demo
    from services.demo.options import Options
    from services.demo.present import verdict
    from services.demo.screen import Screen

    options = Options(
        data=data and data.expanduser().resolve(),
        rounds=rounds,
        labels_per_round=labels_per_round,
        strategy=strategy,
        pool_size=pool_size,
        test_size=test_size,
        seed=seed,
    )
    screen = Screen(Console())
    try:
        summary = run_demo(options, out, screen)
    except KeyboardInterrupt:
        screen.say("Stopped; the same command goes on from here.")
        raise typer.Exit(INTERRUPTED) from None
    screen.say(f"\n{verdict(summary)}\n", style="bold")
    screen.say(f"report   {out / 'report.html'}")
    screen.say(f"summary  {out / 'summary.json'}")


def photographs(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    count: Annotated[int, typer.Option(min=16, help="Photographs.")] = 240,
) -> None:
    """Write photographs of 16 classes, cut from the demo's; some files are broken on purpose."""
    from services.demo.samples import write_samples
    from services.demo.screen import Screen

    screen = Screen(Console())
    with screen.counting("cutting photographs") as show:
        written = write_samples(folder, count, show)
    screen.say(f"{written:,} photographs and some broken files in {folder / 'pool'};")
    screen.say(
        f"what they show in {folder / 'labels.csv'}, the classes in {folder / 'classes.txt'}"
    )
