"""`host:port` addresses of the service."""

import ipaddress

from poolscore.errors import InvalidInputError


def parse_address(address: str) -> tuple[str, int]:
    """Return (host, port); an IPv6 host comes without its brackets, port 0 means "any free one".

    Raises InvalidInputError (INVALID_ADDRESS).
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidInputError(
            f"'{address}' is not an address; write host:port, for example 127.0.0.1:9000 "
            "(POOLSCORE_ADDRESS sets it)",
            reason="INVALID_ADDRESS",
        )
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
