"""`poolscore explain`: why an image stands where it stands."""

from collections.abc import Iterator
from typing import Annotated

import typer

from poolscore.cli.json_lines import AsJson, print_json
from poolscore.client import Client
from poolscore.v1 import query_service_pb2 as pb
from services.commands.lease import say
from services.commands.options import Address, Pool, child, item_id, last_part


def explain(
    name: Pool,
    item: Annotated[str, typer.Argument(help="Id of the item, as a batch or a ranking has it.")],
    ranking: Annotated[str, typer.Option(help="Number of a ranking; default: the active.")] = "",
    size: Annotated[int, typer.Option(min=1, max=1000, help="Items of the next batch.")] = 10,
    as_json: AsJson = False,
    address: Address = None,
) -> None:
    """Say why an image stands where it stands, and what led to it."""
    with Client(address) as client:
        found = client.explain(
            child(name, "items", item),
            ranking=child(name, "rankings", ranking) if ranking else "",
            size=size,
        )
    if as_json:
        print_json(found)
        return
    for line in lines(found):
        say(line)


def lines(found: pb.ExplainItemResponse) -> Iterator[str]:
    """An explanation in words."""
    item, made = found.item, found.provenance
    yield f"{item_id(item.name)}  {item.uri}"
    yield f"place       {found.note}"
    if item.reason:
        yield f"why         {item.reason} (utility {item.utility:.4f})"
    for what, score in (("predicted", found.predicted), ("runner-up", found.runner_up)):
        if score.label:
            yield f"{what:<11} {_class(score)}"
    if item.HasField("prediction"):
        yield (
            f"uncertainty margin {item.prediction.margin:.3f}, entropy "
            f"{item.prediction.entropy:.3f}; the strategy uses {_used(found)}"
        )
    yield f"next batch  {'yes' if found.cut.beaten else 'no'}: {found.cut.why}"
    if found.cut.rank >= 0:
        yield f"cut         rank {found.cut.rank:,}, utility {found.cut.utility:.4f}"
    yield f"state       {_state(found)}"
    for near in found.neighbours:
        yield f"near        {near.similarity:.3f} {item_id(near.item)}: {' or '.join(near.labels)}"
    if found.HasField("cluster"):
        around = found.cluster
        yield (
            f"cluster     {len(around.items)} nearest images, {around.same_class} predicted alike, "
            f"{around.labeled} labeled, mean similarity {around.similarity:.3f}"
        )
    others = [item_id(each) for each in found.near_duplicates if each != item.name]
    if others:
        yield f"same photo  {', '.join(others)}"
    parameters = ", ".join(f"{key} {value}" for key, value in sorted(made.parameters.items()))
    yield (
        f"made by     ranking {last_part(made.ranking)}: strategy {made.strategy} ({parameters}), "
        f"prompt version {last_part(made.prompt_version)}, snapshot {last_part(made.snapshot)}, "
        f"encoder {made.encoder_digest[:12]}, seed {made.seed}, poolscore {made.code_version}"
    )


def _class(score: pb.ClassScore) -> str:
    text = f"{score.label}: probability {score.probability:.3f}, p_clean {score.p_clean:.3f}"
    text += f", similarity {score.positive_similarity:.3f}"
    if score.HasField("negative_similarity"):
        text += f" against {score.negative_similarity:.3f} of the negative prompt"
    return text


def _used(found: pb.ExplainItemResponse) -> str:
    parts = [f"{name} {value:.3f}" for name, value in sorted(found.uncertainty.items())]
    return ", ".join(parts) or "none of them"


def _state(found: pb.ExplainItemResponse) -> str:
    match found.state:
        case pb.ITEM_STATE_LEASED:
            return f"leased in batch {last_part(found.batch)}"
        case pb.ITEM_STATE_ANSWERED:
            return f"answered by label event {last_part(found.label_event)}"
        case _:
            return "open"
