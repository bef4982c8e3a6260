"""What the API's methods work on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Backend:
    """Spike."""

    def catalog_answers(self) -> bool:
        return True
