import pytest

from poolscore.errors import PermissionDeniedError
from services.api.guard import check_peer

HERE = ["ipv4:127.0.0.1:50000", "ipv6:%5B::1%5D:50000", "ipv6:[::ffff:127.0.0.1]:4", "unix:/a.sock"]
ELSEWHERE = ["ipv4:10.0.0.7:50000", "ipv6:%5B2001:db8::1%5D:50000", "ipv6:[::ffff:10.0.0.7]:4", ""]


@pytest.mark.parametrize("peer", HERE)
def test_this_machine_may_call(peer: str):
    check_peer(peer, local_only=True)


@pytest.mark.parametrize("peer", ELSEWHERE)
def test_other_machines_may_not(peer: str):
    with pytest.raises(PermissionDeniedError) as caught:
        check_peer(peer, local_only=True)
    assert caught.value.reason == "LOCAL_ONLY"


@pytest.mark.parametrize("peer", [*HERE, *ELSEWHERE])
def test_an_open_service_answers_everybody(peer: str):
    check_peer(peer, local_only=False)
