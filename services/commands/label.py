"""`poolscore label`: send answers."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from poolscore.cli.exit_codes import FAILED
from poolscore.client import Client
from poolscore.errors import InvalidInputError
from poolscore.v1 import label_service_pb2 as pb
from services.commands.options import Address, Pool, child, console, item_id
from services.handoff.answered import Answered, parse_answer
from services.handoff.formats import Format, format_to_read, read
from services.handoff.item_names import item_ids, with_items

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
        Path | None,
        typer.Option(help="What `lease --out` wrote, filled in, or an annotation tool's export."),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Of the file; default: what its name and content say."),
    ] = None,
    reviewed: Annotated[
        bool,
        typer.Option(
            "--reviewed",
            help="Every image of a CVAT or COCO file was looked at: what was left as predicted is "
            "an answer.",
        ),
    ] = False,
    annotator: Annotated[str, typer.Option(help="Who answered; empty: who leased the batch.")] = "",
    address: Address = None,
) -> None:
    """Record answers; each is accepted or refused by itself."""
    typed = list(_from_arguments(answers or []))
    filed = _read(file, form, reviewed) if file else []
    if not typed and not filed:
        raise InvalidInputError("no answer given; write ITEM=LABEL or --file answers.csv")
    batch_name = child(name, "batches", batch) if batch else ""
    results: list[pb.LabelResult] = []
    with Client(address) as client:
        if typed and batch_name:
            ids = item_ids(client.get_batch(batch_name))
            typed = [(ids.get(item, item), text) for item, text in typed]
        inputs = [label_input(name, item, text, annotator, batch_name) for item, text in typed]
        inputs += _from_file(client, name, file, filed, annotator, batch_name) if file else []
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
    return pb.LabelInput(
        item=child(pool, "items", item),
        answer=parse_answer(text),
        annotator=annotator,
        batch=batch,
    )


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


def _read(path: Path, form: Format | None, reviewed: bool) -> list[Answered]:
    form = form or format_to_read(path)
    answers = read(form, path, reviewed=reviewed)
    if not answers and form is Format.CSV:
        raise InvalidInputError(
            f"no answer given: no row of '{path}' has one; fill in its column 'label'"
        )
    if not answers:
        raise InvalidInputError(
            f"no answer given: '{path}' has none by a person; annotate its images first"
        )
    return answers


def _from_file(
    client: Client, pool: str, path: Path, answers: Sequence[Answered], annotator: str, batch: str
) -> list[pb.LabelInput]:
    """Answers of a file; who answered and the batch are those given, else those of the file."""
    ids = [each.item for each in answers]
    if not all(ids):
        batches = {batch} if batch else {each.batch for each in answers}
        if len(batches) != 1 or batches == {""}:
            raise InvalidInputError(
                f"'{path}' knows images by their names only; say of which batch with --batch",
                reason="BATCH_MISSING",
            )
        ids = with_items(path, answers, client.get_batch(batches.pop()))
    return [
        pb.LabelInput(
            item=child(pool, "items", item),
            answer=each.answer,
            annotator=annotator or each.annotator,
            batch=batch or each.batch,
        )
        for item, each in zip(ids, answers, strict=True)
    ]
