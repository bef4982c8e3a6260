"""How a client reaches a service: its address, and what protects the way there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from poolscore.address import is_loopback, parse_address
from poolscore.errors import InvalidInputError, PoolscoreError
from poolscore.tls import Tls, handshake_problem, tls_is_spoken

TLS_SCHEME, CLEAR_SCHEME = "https://", "http://"
_TLS_PORT = 443


@dataclass(frozen=True)
class Connection:
    """A service as clients reach it; as text its address as it was given."""

    address: str
    host: str
    port: int
    encrypted: bool
    said_to_be_clear: bool
    """Whether the address asks in so many words for a connection that is not encrypted."""
    tls: Tls = field(default_factory=Tls)

    def __str__(self) -> str:
        """Return the address."""
        return self.address

    def check_token(self, token: str) -> None:
        """Raise InvalidInputError TOKEN_UNPROTECTED for a token that others could read on the way.

        This machine's own loopback needs no protection; elsewhere the address must say `https://`,
        or `http://` where the network itself is trusted.
        """
        if token and not (self.encrypted or self.said_to_be_clear or is_loopback(self.host)):
            raise InvalidInputError(
                f"the token would travel to {self.address} unencrypted; write "
                f"{TLS_SCHEME}{self.address} where TLS is spoken, or {CLEAR_SCHEME}{self.address} "
                "to send it as it is through a network that you trust",
                reason="TOKEN_UNPROTECTED",
            )

    def open(self, options: Sequence[tuple[str, Any]]) -> grpc.Channel:
        """Return a channel, which connects when it is used.

        Raises InvalidInputError TLS_FILE_INVALID.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        target = f"{host}:{self.port}"
        if self.encrypted:
            return grpc.secure_channel(target, _credentials(self.tls), options=options)
        return grpc.insecure_channel(target, options=options)

    def problem(self) -> PoolscoreError | None:
        """What keeps this client and the server from understanding each other, by trying it.

        None where it is something else: nobody listens, say.
        """
        try:
            if self.encrypted:
                return handshake_problem(self.host, self.port, self.tls)
            if not tls_is_spoken(self.host, self.port):
                return None
        except OSError:
            return None
        return InvalidInputError(
            f"{self.address} speaks TLS; write {TLS_SCHEME}"
            f"{self.address.removeprefix(CLEAR_SCHEME)}",
            reason="TLS_REQUIRED",
        )


def parse_connection(address: str, tls: Tls | None = None) -> Connection:
    """Read `host:port`, `http://host:port` or `https://host[:port]`; the latter means TLS.

    Raises InvalidInputError INVALID_ADDRESS.
    """
    encrypted, clear = address.startswith(TLS_SCHEME), address.startswith(CLEAR_SCHEME)
    rest = address.removeprefix(TLS_SCHEME).removeprefix(CLEAR_SCHEME).removesuffix("/")
    if encrypted and (":" not in rest or rest.endswith("]")):
        rest = f"{rest}:{_TLS_PORT}"
    host, port = parse_address(rest)
    return Connection(address, host, port, encrypted, clear, tls or Tls())


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    tls.context()  # says what is wrong with a file, which gRPC does not
    key = tls.key or tls.certificate
    return grpc.ssl_channel_credentials(
        root_certificates=tls.ca and tls.ca.read_bytes(),
        private_key=key and key.read_bytes(),
        certificate_chain=tls.certificate and tls.certificate.read_bytes(),
    )
