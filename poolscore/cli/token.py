"""`poolscore token`: who may call a service."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from poolscore.access.caller import Role
from poolscore.cli.complete import stored_pools
from poolscore.cli.json_lines import AsJson, print_json
from poolscore.config import Settings
from poolscore.store.api_tokens import ApiToken, issue_token, list_tokens, revoke_token
from poolscore.store.catalog import Catalog
from poolscore.store.records import utcnow

commands = typer.Typer(
    help="Tokens with which people and programs call a service. They are kept in the catalog.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the `token` commands."""
    app.add_typer(commands, name="token")


@commands.command()
def create(
    holder: Annotated[str, typer.Argument(help="Who has it: a person or a program.")],
    role: Annotated[Role, typer.Option(help="What it may do; each may do what those before may.")],
    pool: Annotated[
        list[str] | None,
        typer.Option(
            help="A pool it is for; may be repeated. Default: all.", autocompletion=stored_pools
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(max=36_500, help="Days until it expires; default: never.")
    ] = None,
) -> None:
    """Make a token and show it, once."""
    lifetime = None if days is None else timedelta(days=days)
    token, record = issue_token(_catalog(), holder, role, pool or None, lifetime)
    console = Console(stderr=True)
    console.print(f"token {record.token_id} for {escape(record.holder)}: {_scope(record)}")
    console.print("It is shown this once; send it as 'authorization: Bearer TOKEN', or set")
    console.print("POOLSCORE_TOKEN for the `poolscore` commands:", highlight=False)
    print(token.text)


@commands.command("list")
def show(as_json: AsJson = False) -> None:
    """List all tokens, without their secrets."""
    now, tokens = utcnow(), list_tokens(_catalog())
    if as_json:
        for token in tokens:
            print_json(_fields(token, now))
        return
    table = Table("token", "holder", "may", "created", "expires", "state", box=box.SIMPLE)
    for token in tokens:
        expires = f"{token.expire_time:%Y-%m-%d %H:%M}" if token.expire_time else "never"
        created, state = f"{token.create_time:%Y-%m-%d %H:%M}", _state(token, now)
        table.add_row(token.token_id, escape(token.holder), _scope(token), created, expires, state)
    Console().print(table)


@commands.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The id that `poolscore token list` shows.")],
) -> None:
    """End a token; services notice within seconds."""
    record = revoke_token(_catalog(), token)
    Console().print(f"token {record.token_id} of {escape(record.holder)} is revoked")


def _catalog() -> Catalog:
    return Catalog.open(Settings().catalog_url)


def _fields(token: ApiToken, now: datetime) -> dict[str, Any]:
    fields = vars(token) | {"state": _state(token, now)}
    del fields["secret_hash"]
    return fields


def _state(token: ApiToken, now: datetime) -> str:
    return "valid" if token.valid(now) else "revoked" if token.revoke_time else "expired"


def _scope(token: ApiToken) -> str:
    return f"{token.role} of {', '.join(sorted(token.pools)) if token.pools else 'all pools'}"
