"""`poolscore status`: a pool, what is active, and its runs."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from poolscore.cli.json_lines import AsJson, print_json
from poolscore.client import Client
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.commands.options import Address, Pool, console, last_part

_COLOURS = {
    run_pb.RUN_STATE_RUNNING: "cyan",
    run_pb.RUN_STATE_SUCCEEDED: "green",
    run_pb.RUN_STATE_FAILED: "red",
}


def status(name: Pool, as_json: AsJson = False, address: Address = None) -> None:
    """Show counts, the active ranking, and the newest runs with their progress."""
    with Client(address) as client:
        pool = client.get_pool(name)
        runs = client.list_runs(name)
    if as_json:
        print_json({"pool": pool, "runs": list(runs)})
        return
    console.print(pool_table(pool))
    if not runs:
        console.print(f"No runs yet. Next: poolscore embed {name} SOURCE")
        return
    console.print(_run_table(runs))
    for run in runs:
        if run.error:
            console.print(f"run {last_part(run.name)}: {run.error}", style="red", markup=False)


def pool_table(pool: pool_pb.Pool) -> Table:
    """A pool in words and numbers."""
    counts = pool.counts
    table = Table(title=f"pool {last_part(pool.name)}", show_header=False)
    rows = {
        "classes": f"{len(pool.classes)}: {', '.join(pool.classes[:6])}"
        + (", ..." if len(pool.classes) > 6 else ""),
        "encoder": f"{pool.encoder.model} {pool.encoder.pretrained} "
        f"({pool.encoder.digest[:12]})".replace("  ", " "),
        "images": f"{counts.embedded:,} embedded, {counts.rejected:,} rejected",
        "answers": f"{counts.answered:,} answered, {counts.leased:,} leased now",
        "budget": f"{pool.budget.labels:,} labels, {pool.budget.spent:,} spent, "
        f"{pool.budget.left:,} left"
        if pool.budget.labels
        else "no limit",
        "prompt version": last_part(pool.active_prompt_version) or "none yet",
        "ranking": last_part(pool.active_ranking) or "none yet",
        "strategy": pool.strategy,
        "trains": f"after {pool.train_after_labels} new labels"
        if pool.train_after_labels
        else "on request",
    }
    for key, value in rows.items():
        table.add_row(key, escape(value))
    return table


def _run_table(runs: Sequence[run_pb.Run]) -> Table:
    table = Table()
    for header in ("run", "kind", "state", "progress", "seconds by stage"):
        table.add_column(header)
    for run in runs:
        state = run_pb.RunState.Name(run.state).removeprefix("RUN_STATE_")
        stages = ", ".join(f"{stage.stage} {stage.seconds:.1f}" for stage in run.stages)
        table.add_row(
            last_part(run.name),
            run.spec.WhichOneof("kind") or "",
            state,
            escape(describe(run.progress, running=run.state == run_pb.RUN_STATE_RUNNING)),
            stages,
            style=_COLOURS.get(run.state),
        )
    return table


def describe(progress: run_pb.RunProgress, *, running: bool) -> str:
    """Progress in words: done, what is odd and, while it runs, the stage, rate and time left."""
    parts = [progress.message] if running and progress.message else []
    if progress.total:
        parts.append(f"{progress.done:,}/{progress.total:,}")
    rejected = sum(progress.rejects.values())
    counts = {"rejected": rejected, "changed": progress.changed, "missing": progress.missing}
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    if running and progress.rate > 0:
        parts.append(f"{progress.rate:.0f}/s")
        if progress.seconds_left >= 0:
            parts.append(f"{progress.seconds_left:.0f} s left")
    return ", ".join(parts)
