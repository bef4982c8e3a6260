"""The strategies by name."""

from poolscore.acquisition.base import Strategy
from poolscore.acquisition.dual_prompt import DualPrompt
from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.margin import Margin
from poolscore.acquisition.random_choice import RandomChoice
from poolscore.errors import InvalidInputError

_STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy for strategy in (DualPrompt(), Entropy(), Margin(), RandomChoice())
}


def strategy_names() -> list[str]:
    """Return the names that `get_strategy` knows, sorted."""
    return sorted(_STRATEGIES)


def get_strategy(name: str) -> Strategy:
    """Return the strategy called `name`; InvalidInputError UNKNOWN_STRATEGY if there is none."""
    strategy = _STRATEGIES.get(name)
    if strategy is None:
        raise InvalidInputError(
            f"There is no strategy '{name}'. Choose one of: {', '.join(strategy_names())}.",
            reason="UNKNOWN_STRATEGY",
            strategy=name,
            choices=",".join(strategy_names()),
        )
    return strategy
