"""`poolscore prompts`: list, train and activate prompt versions."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poolscore.cli.json_lines import AsJson, print_json
from poolscore.client import Client
from poolscore.v1 import prompt_version_service_pb2 as prompt_pb
from services.commands.following import follow
from services.commands.options import Address, Pool, child, console, item_id, last_part

app = typer.Typer(help="Prompt versions: what the model has learned.", no_args_is_help=True)


@app.command("list")
def list_(name: Pool, as_json: AsJson = False, address: Address = None) -> None:
    """List the versions, newest first."""
    with Client(address) as client:
        versions = client.list_prompt_versions(name)
        if as_json:
            for version in versions:
                print_json(version)
        else:
            console.print(versions_table(versions))


def versions_table(versions: Iterable[prompt_pb.PromptVersion]) -> Table:
    """A row for each version."""
    table = Table()
    for header in ("version", "active", "labels", "ranking", "trained", "metrics", "refused"):
        table.add_column(header, overflow="fold")
    for version in versions:
        metrics = (f"{key} {value:.3f}" for key, value in sorted(version.metrics.items()))
        cells = (
            last_part(version.name),
            "*" if version.active else "",
            str(version.label_count),
            last_part(version.ranking),
            version.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"),
            "\n".join(metrics),
            _refused(version),
        )
        table.add_row(*map(escape, cells))
    return table


def _refused(version: prompt_pb.PromptVersion) -> str:
    judged = version.HasField("promotion") and not version.promotion.promoted
    return version.promotion.reason if judged else ""


@app.command()
def train(
    name: Pool,
    wait: Annotated[bool, typer.Option(help="Wait until the new version is active.")] = True,
    address: Address = None,
) -> None:
    """Train the next version, score again and switch to it unless held-out answers speak against
    it."""
    with Client(address) as client:
        run = client.train(name)
        console.print(f"run {last_part(run.name)} queued")
        if wait:
            run = follow(client, run, "the trainer", "training")
            version = client.get_prompt_version(run.prompt_version)
            console.print(_ended(name, version), markup=False)


def _ended(pool: str, version: prompt_pb.PromptVersion) -> str:
    """What became of a trained version."""
    number, promotion = last_part(version.name), version.promotion
    if not promotion.promoted:
        return (
            f"prompt version {number} is stored and not active: {promotion.reason}. To activate it "
            f"all the same: poolscore prompts activate {pool} {number}"
        )
    return (
        f"prompt version {number} is active with ranking {last_part(version.ranking)} "
        f"({promotion.reason})"
    )


@app.command()
def diff(
    name: Pool,
    version: Annotated[str, typer.Argument(help="Number of the version before.")],
    other: Annotated[str, typer.Argument(help="Number of the version after.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Changes to show.")] = 10,
    as_json: AsJson = False,
    address: Address = None,
) -> None:
    """Show which images changed class or rank most from one version to another."""
    one, two = (child(name, "promptVersions", each) for each in (version, other))
    with Client(address) as client:
        found = client.diff_prompt_versions(one, two, limit=limit)
    if as_json:
        print_json(found)
        return
    console.print(
        f"{found.common:,} images in both rankings, {found.class_changes:,} with another class, "
        f"rank correlation {found.rank_correlation:.3f}; {found.only_before:,} before only, "
        f"{found.only_after:,} after only",
        highlight=False,
    )
    console.print(changes_table(found.changes))


def changes_table(changes: Iterable[prompt_pb.ItemChange]) -> Table:
    """A row for each image that changed."""
    table = Table()
    for header in ("item", "class", "rank"):
        table.add_column(header, overflow="fold")
    for change in changes:
        same = change.label_before == change.label_after
        cells = (
            item_id(change.item),
            change.label_before if same else f"{change.label_before} -> {change.label_after}",
            f"{change.rank_before:,} -> {change.rank_after:,}",
        )
        table.add_row(*map(escape, cells))
    return table


@app.command()
def activate(
    name: Pool,
    version: Annotated[str, typer.Argument(help="Number of the version.")],
    address: Address = None,
) -> None:
    """Go back (or forward) to a version and its stored ranking; nothing is recomputed."""
    with Client(address) as client:
        active = client.activate(child(name, "promptVersions", version))
    console.print(
        f"prompt version {last_part(active.name)} is active with ranking "
        f"{last_part(active.ranking)}"
    )
