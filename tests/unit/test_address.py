import pytest

from poolscore.address import is_loopback, parse_address
from poolscore.errors import InvalidInputError


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("[::1]:0", ("::1", 0)),
        ("pool.example.org:65535", ("pool.example.org", 65535)),
    ],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", ["", "9000", ":9000", "host", "host:", "host:x", "host:65536"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InvalidInputError, match="host:port") as caught:
        parse_address(address)
    assert caught.value.reason == "INVALID_ADDRESS"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "2001:db8::1"])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
