"""The pool of a history, as it is in the beginning."""

from tests.seeding import CLASSES, item_ids

SIZE = 8
TRAIN_AFTER = 3
ITEMS = item_ids(SIZE)


def order_of(version: int) -> list[str]:
    """The items as the ranking of a prompt version orders them."""
    turn = 3 * version % SIZE
    return [*ITEMS[turn:], *ITEMS[:turn]]


def predicted(rank: int) -> str:
    """The class that every version predicts for what it ranks there."""
    return CLASSES[rank % len(CLASSES)]
