"""What a pool must look like before it is registered."""

import re
from collections.abc import Sequence

from poolscore.errors import InvalidInputError
from poolscore.labels.answer import CANNOT_TELL, SEPARATOR

DEFAULT_TEMPLATE = "a photo of a {}."
DEFAULT_STRATEGY = "coverage"
MAX_CLASS_LENGTH = 200
POOL_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def check_pool_id(pool_id: str) -> None:
    """Raise InvalidInputError INVALID_POOL_ID unless the id can be part of a resource name."""
    if not POOL_ID.fullmatch(pool_id):
        raise InvalidInputError(
            f"'{pool_id}' cannot name a pool; use a lower-case letter, then up to 62 lower-case "
            "letters, digits or '-', not ending with '-'",
            reason="INVALID_POOL_ID",
        )


def check_classes(classes: Sequence[str]) -> None:
    """Raise InvalidInputError INVALID_CLASSES unless there are two or more different names."""
    problem = _problem_of_classes(classes)
    if problem:
        raise InvalidInputError(problem, reason="INVALID_CLASSES")


def _problem_of_classes(classes: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in classes:
        if not name.strip():
            return "a class name is empty; give every class a name"
        if name != name.strip() or not name.isprintable():
            return f"class name {name!r} has spaces around it or unprintable characters in it"
        if len(name) > MAX_CLASS_LENGTH:
            return f"class name '{name[:40]}...' is longer than {MAX_CLASS_LENGTH} characters"
        if name == CANNOT_TELL or SEPARATOR in name:
            return (
                f"class name '{name}' could not be told apart in an answer, where "
                f"'{CANNOT_TELL}' means 'cannot tell' and '{SEPARATOR}' separates candidates; "
                "choose another name"
            )
        if name in seen:
            return f"class '{name}' is named twice; class names must differ"
        seen.add(name)
    return None if len(seen) >= 2 else "a pool needs two or more classes"


def check_template(template: str) -> None:
    """Raise InvalidInputError INVALID_TEMPLATE unless it has exactly one `{}`."""
    rest = template.replace("{}", "", 1)
    if rest == template or "{" in rest or "}" in rest:
        raise InvalidInputError(
            f"template '{template}' must hold exactly one '{{}}', where the class name goes, and "
            f"no other braces; for example '{DEFAULT_TEMPLATE}'",
            reason="INVALID_TEMPLATE",
        )


def check_strategy(strategy: str) -> None:
    """Raise InvalidInputError UNKNOWN_STRATEGY unless the registry has it."""
    from poolscore.acquisition.registry import get_strategy

    get_strategy(strategy)


def check_budget(labels: int) -> None:
    """Raise InvalidInputError INVALID_BUDGET for a negative number."""
    if labels < 0:
        raise InvalidInputError(
            f"the budget is {labels}; give a number of labels, or 0 for no limit",
            reason="INVALID_BUDGET",
        )


def check_train_after(labels: int) -> None:
    """Raise InvalidInputError INVALID_TRAIN_AFTER_LABELS outside of 0 to 2**31 - 1."""
    if not 0 <= labels < 2**31:
        raise InvalidInputError(
            f"train_after_labels is {labels}; give a number of labels, or 0 to train on request "
            "only",
            reason="INVALID_TRAIN_AFTER_LABELS",
        )
