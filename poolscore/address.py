"""`host:port` addresses of the service."""

import ipaddress

from poolscore.errors import InvalidInputError


def parse_address(address: str, setting: str = "POOLSCORE_ADDRESS") -> tuple[str, int]:
    """Return (host, port); an IPv6 host comes without its brackets, port 0 means "any free one".

    `setting` is named where it is no address. Raises InvalidInputError (INVALID_ADDRESS).
    """
    host, colon, port = address.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() else -1
    if not colon or not host or "/" in host or not 0 <= number <= 65535:
        raise InvalidInputError(
            f"'{address}' is not an address; write host:port, for example 127.0.0.1:9000 "
            f"({setting} sets it)",
            reason="INVALID_ADDRESS",
        )
    return host.strip("[]"), number


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
