"""A caller: a role, and the pools that it holds for."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from poolscore.errors import PermissionDeniedError


class Role(StrEnum):
    """What a caller may do; each role may do what the ones before it may."""

    READER = "reader"
    """Look at everything."""
    ANNOTATOR = "annotator"
    """Lease and answer."""
    OPERATOR = "operator"
    """Change pools, start runs, preview batches, switch prompt versions."""
    ADMIN = "admin"
    """Delete pools."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Caller:
    """Who calls; the name is for logs and the audit trail."""

    name: str
    role: Role
    pools: frozenset[str] | None
    """Ids of the pools that the role holds for; None: of all."""
    token_id: str = ""

    def check_role(self, needed: Role, method: str) -> None:
        """Raise PermissionDeniedError ROLE_TOO_LOW unless the caller has the role `needed`."""
        if not self.role.includes(needed):
            raise PermissionDeniedError(
                f"{method} needs a token with the role {needed}; '{self.name}' has {self.role}",
                reason="ROLE_TOO_LOW",
                method=method,
                needed=needed,
            )

    def check_pool(self, pool_id: str) -> None:
        """Raise PermissionDeniedError POOL_NOT_ALLOWED for a pool that the token is not for.

        The same whether there is such a pool or not.
        """
        if self.pools is not None and pool_id not in self.pools:
            raise PermissionDeniedError(
                f"the token of '{self.name}' is not for pool '{pool_id}'",
                reason="POOL_NOT_ALLOWED",
                pool=pool_id,
            )


ANYBODY = Caller("", Role.ADMIN, None)
"""A caller of a service that asks for no tokens."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANYBODY)


def current_caller() -> Caller:
    """Who the present request comes from."""
    return _current.get()


def act_as(caller: Caller) -> None:
    """Make `caller` the current one of this task, and of threads that it asks to do something."""
    _current.set(caller)
