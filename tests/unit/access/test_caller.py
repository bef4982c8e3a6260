import pytest

from poolscore.access.caller import ANYBODY, Caller, Role
from poolscore.errors import PermissionDeniedError


def test_each_role_may_do_what_those_before_it_may() -> None:
    for number, role in enumerate(Role):
        caller = Caller("me", role, None)
        for below in list(Role)[: number + 1]:
            caller.check_role(below, "Do")
        for above in list(Role)[number + 1 :]:
            with pytest.raises(PermissionDeniedError, match=f"Do needs .* role {above}") as error:
                caller.check_role(above, "Do")
            assert error.value.reason == "ROLE_TOO_LOW"


def test_a_caller_stays_within_its_pools() -> None:
    caller = Caller("me", Role.ADMIN, frozenset({"pets"}))
    caller.check_pool("pets")
    with pytest.raises(PermissionDeniedError, match="'plants'") as error:
        caller.check_pool("plants")
    assert error.value.reason == "POOL_NOT_ALLOWED"
    ANYBODY.check_pool("plants")
