"""Commands of the service and of its gRPC clients."""

import typer

from services.commands import (
    edge,
    explain,
    exporter,
    health,
    label,
    label_studio,
    labels,
    lease,
    neighbours,
    preview,
    prompts,
    report,
    rescore,
    review,
    serve,
    status,
)


def register(app: typer.Typer) -> None:
    """Add the commands to the `poolscore` application."""
    app.command("serve")(serve.serve)
    app.command("edge")(edge.edge)
    app.command("lease")(lease.lease)
    app.command("label")(label.label)
    app.command("label-studio")(label_studio.label_studio)
    app.command("explain")(explain.explain)
    app.command("preview")(preview.preview)
    app.command("rescore")(rescore.rescore)
    app.command("neighbours")(neighbours.neighbours)
    app.command("status")(status.status)
    app.command("review")(review.review)
    app.command("report")(report.report)
    app.command("health")(health.health)
    app.command("exporter")(exporter.exporter)
    app.add_typer(prompts.app, name="prompts")
    app.add_typer(labels.app, name="labels")
