"""`poolscore labels`: list answers, take them back, see where annotators disagree."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poolscore.cli.json_lines import AsJson, print_json
from poolscore.client import Client
from poolscore.labels.answer import answer_text
from poolscore.v1 import label_service_pb2 as pb
from services.api.convert_items import answer
from services.commands.options import Address, Pool, child, console, item_id, last_part

app = typer.Typer(help="Answers: list them, take them back.", no_args_is_help=True)


@app.command("list")
def list_(
    name: Pool,
    item: Annotated[str, typer.Option(help="Only answers to this item.")] = "",
    annotator: Annotated[str, typer.Option(help="Only answers of this annotator.")] = "",
    as_json: AsJson = False,
    address: Address = None,
) -> None:
    """List label events in the order they were recorded."""
    table = _table("event", "item", "annotator", "answer", "time")
    with Client(address) as client:
        item_name = child(name, "items", item) if item else ""
        events = client.list_label_events(name, item=item_name, annotator=annotator)
        if as_json:
            for event in events:
                print_json(event)
            return
        for event in events:
            time = event.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S")
            cells = last_part(event.name), item_id(event.item), event.annotator, said(event), time
            table.add_row(*map(escape, cells))
    console.print(table)


@app.command()
def retract(
    name: Pool,
    item: Annotated[str, typer.Argument(help="The item id.")],
    annotator: Annotated[str, typer.Option(help="Whose answer.")] = "me",
    address: Address = None,
) -> None:
    """Take an answer back; without another annotator's, the image can be leased again."""
    with Client(address) as client:
        event = client.retract_label(child(name, "items", item), annotator)
    console.print(
        f"answer {last_part(event.retracts)} of {annotator} to {item} is taken back",
        highlight=False,
        markup=False,
    )


@app.command()
def conflicts(name: Pool, as_json: AsJson = False, address: Address = None) -> None:
    """List the images on which annotators disagree, with what each of them says."""
    table = _table("item", "annotator", "answer")
    with Client(address) as client:
        found = client.list_conflicts(name)
        if as_json:
            for conflict in found:
                print_json(conflict)
            return
        for conflict in found:
            for row, event in enumerate(conflict.answers):
                item = "" if row else item_id(conflict.item)
                table.add_row(*map(escape, (item, event.annotator, said(event))))
    if table.row_count:
        console.print(table)
    else:
        console.print(f"No conflicts in pool '{name}'.", markup=False)


def said(event: pb.LabelEvent) -> str:
    """Return an answer as people write it."""
    if event.retracts:
        return f"answer {last_part(event.retracts)} taken back"
    return answer_text(answer(event.answer))


def _table(*headers: str) -> Table:
    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")  # names are there to be copied
    return table
