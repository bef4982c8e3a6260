"""`poolscore lease`: get the next images to label."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from poolscore.client import Client
from poolscore.v1.query_service_pb2 import Batch
from services.commands.options import Address, Pool, console, item_id, last_part

COLUMNS = ("item", "label", "predicted", "probability", "p_clean", "uri", "reason")
"""Header of an exported batch; `label` is empty, for the annotator to fill in."""


def lease(
    name: Pool,
    size: Annotated[int, typer.Option(min=1, max=1000, help="How many images.")] = 8,
    annotator: Annotated[str, typer.Option(help="Who will answer.")] = "me",
    minutes: Annotated[float, typer.Option(help="Until the images are given to others.")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="CSV file to fill in.")] = None,
    address: Address = None,
) -> None:
    """Lease the images that teach the model most."""
    with Client(address) as client:
        batch = client.lease(name, size, annotator, duration=timedelta(minutes=minutes))
    if not batch.items:
        console.print(f"Nothing is left to label in pool '{name}'.")
        return
    console.print(_table(batch))
    number = last_part(batch.name)
    if out is None:
        example = f"{item_id(batch.items[0].name)}={batch.items[0].prediction.label!r}"
        console.print(f"Answer with: poolscore label {name} --batch {number} {example} ...")
    else:
        write_csv(out, batch)
        console.print(
            f"Fill in the column 'label' of {out}, then: "
            f"poolscore label {name} --batch {number} --file {out}"
        )


def write_csv(path: Path, batch: Batch) -> None:
    """Write the items of a batch with an empty `label` column."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for item in batch.items:
            writer.writerow(
                {
                    "item": item_id(item.name),
                    "label": "",
                    "predicted": item.prediction.label,
                    "probability": f"{item.prediction.probability:.4f}",
                    "p_clean": f"{item.prediction.p_clean:.4f}",
                    "uri": item.uri,
                    "reason": item.reason,
                }
            )


def _table(batch: Batch) -> Table:
    until = batch.expire_time.ToDatetime().strftime("%H:%M UTC")
    table = Table(
        title=f"batch {last_part(batch.name)}: {len(batch.items)} images for {batch.annotator} "
        f"until {until}, prompt version {last_part(batch.prompt_version)}"
    )
    for header in ("rank", "item", "predicted", "probability", "p_clean", "why", "file"):
        table.add_column(header, overflow="fold")
    for item in batch.items:
        prediction = item.prediction
        table.add_row(
            str(item.rank),
            item_id(item.name),
            prediction.label,
            f"{prediction.probability:.3f}",
            f"{prediction.p_clean:.3f}",
            item.reason,
            item.uri,
        )
    return table
