"""Commands of the service and of its gRPC clients."""

import typer

from services.commands import label, lease, neighbours, prompts, serve, status


def register(app: typer.Typer) -> None:
    """Add the commands to the `poolscore` application."""
    app.command("serve")(serve.serve)
    app.command("lease")(lease.lease)
    app.command("label")(label.label)
    app.command("neighbours")(neighbours.neighbours)
    app.command("status")(status.status)
    app.add_typer(prompts.app, name="prompts")
