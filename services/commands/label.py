"""`poolscore label`: send answers."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from poolscore.cli.exit_codes import FAILED
from poolscore.client import Client
from poolscore.errors import InvalidInputError
from poolscore.labels.answer import CANNOT_TELL, SEPARATOR
from poolscore.user_files import read_rows
from poolscore.v1 import label_service_pb2 as pb
from poolscore.v1.query_service_pb2 import Batch
from services.commands.file_names import file_names
from services.commands.options import Address, Pool, child, console, item_id

_REQUEST_LIMIT = 1000
_REFUSAL_LINES = 10


def label(
    name: Pool,
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ITEM=LABEL",
            help="An item id or, with --batch, the file that `lease` showed; 'A|B' says one of "
            "several, '?' says that you cannot tell.",
        ),
    ] = None,
    batch: Annotated[str, typer.Option(help="The batch that the items were leased with.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="CSV with the columns item and label, as `lease --out`.")
    ] = None,
    annotator: Annotated[str, typer.Option(help="Who answered; empty: who leased the batch.")] = "",
    address: Address = None,
) -> None:
    """Record answers; each is accepted or refused by itself."""
    typed = list(_from_arguments(answers or []))
    pairs = list(_from_file(file)) if file else []
    if file and not typed and not pairs:
        raise InvalidInputError(
            f"no answer given: no row of '{file}' has one; fill in its column 'label'"
        )
    if not typed and not pairs:
        raise InvalidInputError("no answer given; write ITEM=LABEL or --file answers.csv")
    batch_name = child(name, "batches", batch) if batch else ""
    results: list[pb.LabelResult] = []
    with Client(address) as client:
        if typed and batch_name:
            ids = item_ids(client.get_batch(batch_name))
            typed = [(ids.get(item, item), text) for item, text in typed]
        inputs = [
            label_input(name, item, text, annotator, batch_name) for item, text in typed + pairs
        ]
        for start in range(0, len(inputs), _REQUEST_LIMIT):
            part = inputs[start : start + _REQUEST_LIMIT]
            results += client.submit_labels(name, part).results
    for line in refusals(inputs, results):
        console.print(line, style="yellow", markup=False)
    recorded = sum(bool(result.event) for result in results)
    before = sum(bool(result.event and result.message) for result in results)
    repeated = f", {before:,} of them before" if before else ""
    console.print(f"{recorded:,} of {len(inputs):,} answers recorded{repeated}.")
    if recorded < len(inputs):
        raise typer.Exit(FAILED)


def label_input(pool: str, item: str, text: str, annotator: str, batch: str) -> pb.LabelInput:
    """Read an answer as people write it: a class, `A|B`, or `?`."""
    if text == CANNOT_TELL:
        answer = pb.Answer(abstain=pb.Abstain())
    elif SEPARATOR in text:
        names = [part.strip() for part in text.split(SEPARATOR)]
        answer = pb.Answer(candidates=pb.Candidates(labels=names))
    else:
        answer = pb.Answer(label=text)
    return pb.LabelInput(
        item=child(pool, "items", item), answer=answer, annotator=annotator, batch=batch
    )


def item_ids(batch: Batch) -> dict[str, str]:
    """Return the item id for every file name that `lease` shows, and for the id itself."""
    ids = [item_id(item.name) for item in batch.items]
    by_file = zip(file_names([item.uri for item in batch.items]), ids, strict=True)
    return {**dict(by_file), **{each: each for each in ids}}


def refusals(sent: Iterable[pb.LabelInput], results: Iterable[pb.LabelResult]) -> Iterator[str]:
    """Say in one line what several answers were refused for, with the first of their items."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each, result in zip(sent, results, strict=True):
        if not result.event:
            item = item_id(each.item)
            # The item's own name must not make a reason of its own.
            group = groups.setdefault((result.reason, result.message.replace(f"'{item}'", "")), [])
            group.append(f"{item}: {result.message} ({result.reason})")
    for first, *others in list(groups.values())[:_REFUSAL_LINES]:
        yield f"{len(others) + 1:,} refused, the first: {first}" if others else f"refused: {first}"
    rest = sum(len(group) for group in list(groups.values())[_REFUSAL_LINES:])
    if rest:
        yield f"{rest:,} more refused for other reasons"


def _from_arguments(answers: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in answers:
        # Item ids may hold '=', class names hardly ever do.
        item, equals, answer = text.rpartition("=")
        if not equals or not item or not answer.strip():
            raise InvalidInputError(f"'{text}' is not an answer; write ITEM=LABEL")
        yield item, answer.strip()


def _from_file(path: Path) -> Iterator[tuple[str, str]]:
    rows = read_rows(
        path,
        ("item", "label"),
        "give a UTF-8 file of comma-separated values, as `lease --out` writes it",
        "INVALID_ANSWERS_FILE",
    )
    for row in rows:
        text = row["label"].strip()
        if text and not row["item"]:
            raise InvalidInputError(
                f"'{path}' has an answer, '{text}', without an item; fill in its column 'item'",
                reason="INVALID_ANSWERS_FILE",
            )
        if text:  # the others are not answered yet
            yield row["item"], text
