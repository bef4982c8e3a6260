"""Finds what the service may have done: an order of the calls' steps that gives what was seen.

Calls that ran at the same time may have taken turns in any way. One that was not answered, because
its process died, has done its first steps, or all, or none.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.integration.services.model.calls import Call, Memo
from tests.integration.services.model.pool_model import PoolModel
from tests.integration.services.model.view import View, view_of


@dataclass(frozen=True)
class Seen:
    """A call, and what was compared of its answer; None when there was none."""

    call: Call
    answer: object


@dataclass(frozen=True)
class _Going:
    seen: Seen
    step: int = 0
    memo: Memo = field(default_factory=dict[str, object])
    ended: bool = False

    @property
    def may_stop(self) -> bool:
        return self.ended or self.seen.answer is None


def explain(model: PoolModel, seen: Sequence[Seen], view: View) -> PoolModel | None:
    """The model after the calls; None when nothing that they may have done gives the view."""
    return _search(model, [_Going(each) for each in seen], view)


def _search(model: PoolModel, going: Sequence[_Going], view: View) -> PoolModel | None:
    if all(each.may_stop for each in going) and view_of(model) == view:
        return model
    for place, each in enumerate(going):
        if each.ended:
            continue
        changed = copy.deepcopy(model)
        after = _advance(changed, each)
        if after is None:
            continue
        found = _search(changed, [*going[:place], after, *going[place + 1 :]], view)
        if found is not None:
            return found
    return None


def _advance(model: PoolModel, going: _Going) -> _Going | None:
    """Do the next step; None when it would have given another answer than was seen."""
    steps, memo, seen = going.seen.call.steps(), dict(going.memo), going.seen
    answer = steps[going.step](model, memo)
    if answer is not None and seen.answer not in (None, answer):
        return None
    last = going.step + 1 == len(steps) or isinstance(answer, str)
    return replace(going, step=going.step + 1, memo=memo, ended=last)
