"""The strategies by name."""

from poolscore.acquisition.alfa_mix import AlfaMix
from poolscore.acquisition.badge import Badge
from poolscore.acquisition.base import Strategy
from poolscore.acquisition.c_peal import c_peal
from poolscore.acquisition.cb import ClassGuided
from poolscore.acquisition.cb_sq import SelectiveQuerying
from poolscore.acquisition.cec import Cec
from poolscore.acquisition.coreset import CoreSet
from poolscore.acquisition.coverage import Coverage
from poolscore.acquisition.dirichlet_vacuity import DirichletVacuity
from poolscore.acquisition.dual_prompt import DualPrompt
from poolscore.acquisition.entropy import Entropy
from poolscore.acquisition.least_confidence import LeastConfidence
from poolscore.acquisition.margin import Margin
from poolscore.acquisition.pcb import Pcb
from poolscore.acquisition.pcoreset import PCoreSet
from poolscore.acquisition.random_choice import RandomChoice
from poolscore.acquisition.typiclust import TypiClust
from poolscore.errors import InvalidInputError

_ALL: tuple[Strategy, ...] = (
    AlfaMix(),
    Badge(),
    c_peal(),
    ClassGuided(),
    SelectiveQuerying(),
    Cec(),
    CoreSet(),
    Coverage(),
    DirichletVacuity(),
    DualPrompt(),
    Entropy(),
    LeastConfidence(),
    Margin(),
    Pcb("pcb_badge", Badge()),
    Pcb("pcb_coreset", CoreSet()),
    Pcb("pcb_entropy", Entropy()),
    PCoreSet(),
    RandomChoice(),
    TypiClust(),
)
_STRATEGIES = {strategy.name: strategy for strategy in _ALL}


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
