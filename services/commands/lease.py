"""`poolscore lease`: get the next images to label."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len

from poolscore.client import Client
from poolscore.errors import InvalidInputError, PoolscoreError
from poolscore.user_files import file_errors
from poolscore.v1.pool_service_pb2 import PoolCounts
from poolscore.v1.query_service_pb2 import Batch, RankedItem
from services.commands.file_names import file_names
from services.commands.options import (
    Address,
    Classes,
    Pool,
    Strategy,
    console,
    last_part,
)
from services.handoff.formats import Format, format_to_write, write
from services.handoff.image_addresses import image_addresses

_OUT_ADVICE = "name a file in an existing folder with --out"


def lease(
    name: Pool,
    size: Annotated[int, typer.Option(min=1, max=1000, help="How many images.")] = 8,
    annotator: Annotated[str, typer.Option(help="Who will answer.")] = "me",
    minutes: Annotated[
        int, typer.Option(min=1, max=10_080, help="Until the images go to others.")
    ] = 60,
    out: Annotated[
        Path | None, typer.Option(help="File for the annotator or an annotation tool.")
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Of that file; default: what its name says, or CSV."),
    ] = None,
    image_base: Annotated[
        str,
        typer.Option(
            metavar="FROM=TO",
            help="Where Label Studio finds the images, if not where they lie: paths and addresses "
            "that begin with FROM begin with TO instead.",
        ),
    ] = "",
    strategy: Strategy = "",
    classes: Classes = None,
    address: Address = None,
) -> None:
    """Lease the images that teach the model most."""
    if out is not None:  # what can fail does so before the images are leased to nobody
        form = form or format_to_write(out)
        _check_writable(out)
    elif form is not None:
        raise InvalidInputError(f"--format {form} is of a file; name it with --out")
    image_address = image_addresses(image_base)
    with Client(address) as client:
        batch = client.lease(
            name,
            size,
            annotator,
            duration=timedelta(minutes=minutes),
            strategy=strategy,
            classes=classes or (),
        )
        if not batch.items:
            say(_nothing(name, client.get_pool(name).counts, classes or ()))
            return
        if out is not None and form is not None:
            try:
                text = write(form, batch, client.get_pool(name).classes, image_address)
            except PoolscoreError:
                client.release_batch(batch.name)
                raise
            with file_errors(out, _OUT_ADVICE, "OUT_NOT_USABLE"):
                out.write_text(text, encoding="utf-8", newline="")
    say(summary(batch))
    command = f"poolscore label {name} --batch {last_part(batch.name)}"
    if out is None:
        for line in table(batch.items):
            say(line)
        file = file_names([item.uri for item in batch.items])[0]
        example = shlex.quote(f"{file}={batch.items[0].prediction.label}")
        say(f"Answer with: {command} {example} ...")
    elif form is Format.CSV:
        say(f"Fill in the column 'label' of {out}, then:")
        say(f"{command} --file {shlex.quote(str(out))}")
    else:
        say(f"Import {out} into the annotation tool, and what is exported there with:")
        # Tasks of Label Studio say themselves of which batch they are; a project may have several.
        of_any = f"poolscore label {name}" if form is Format.LABEL_STUDIO else command
        say(f"{of_any} --file EXPORT")


def _nothing(name: str, counts: PoolCounts, classes: Sequence[str]) -> str:
    """Say why an empty batch came."""
    if classes:
        return (
            f"Nothing in the ranking of pool '{name}' is predicted to be {' or '.join(classes)} "
            "and neither answered nor leased."
        )
    if counts.answered >= counts.embedded:
        return f"Nothing is left to label in pool '{name}'."
    return (
        f"Nothing to lease in pool '{name}' now: of {counts.embedded:,} images {counts.answered:,} "
        f"are answered and {counts.leased:,} leased; what else is there comes with the next "
        f"ranking: poolscore prompts train {name}"
    )


def summary(batch: Batch) -> str:
    """Say what was leased, to whom and until when."""
    until = batch.expire_time.ToDatetime().strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"batch {last_part(batch.name)}: {len(batch.items):,} images for {batch.annotator} "
        f"until {until}, prompt version {last_part(batch.prompt_version)}"
    )


def table(items: Sequence[RankedItem]) -> Iterator[str]:
    """Yield what a person needs to answer: a line an image, and why it was chosen below it.

    Fits 80 columns but for long names, which are never cut: `label` takes them.
    """
    files = file_names([item.uri for item in items])
    labels = [item.prediction.label for item in items]
    wide = min(32, max(map(cell_len, files))), min(20, max(map(cell_len, ["predicted", *labels])))
    yield f"rank  {_padded('file', wide[0])}  {_padded('predicted', wide[1])}   prob  p_clean"
    for item, file, label in zip(items, files, labels, strict=True):
        prediction = item.prediction
        yield (
            f"{item.rank:>4}  {_padded(file, wide[0])}  {_padded(label, wide[1])}  "
            f"{prediction.probability:.3f}    {prediction.p_clean:.3f}"
        )
        yield f"      {item.reason}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _check_writable(path: Path) -> None:
    is_new = not path.exists()
    with file_errors(path, _OUT_ADVICE, "OUT_NOT_USABLE"):
        path.open("a").close()
    if is_new:
        path.unlink()


def say(text: str) -> None:
    """Print a line as it is."""
    # Names and commands must stay whole, to be copied.
    console.print(text, highlight=False, markup=False, soft_wrap=True)
