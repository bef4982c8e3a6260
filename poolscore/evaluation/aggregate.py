"""Cells put together: what may be compared, and means over seeds, rounds and data sets.

Arms are compared on the seeds that all of them have, so that an unfinished study compares like
with like. Methods that never ask for an answer have no budget and stand apart.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from poolscore.errors import InvalidInputError
from poolscore.evaluation.records import Cell, Protocol, Round, Study, Table
from poolscore.evaluation.spread import Spread, spread

_PROTOCOLS = list(Protocol)


@dataclass(frozen=True)
class ArmCells:
    """The cells of one arm in a comparison, one a seed, by seed."""

    arm: str
    cells: tuple[Cell, ...]

    def at(self, number: int, measure: Callable[[Round], float]) -> Spread:
        """Spread of a measure over seeds in round `number`, 0 being zero-shot."""
        return spread(
            measure(entry) for cell in self.cells for entry in cell.rounds if entry.number == number
        )

    @property
    def average(self) -> Spread:
        """Spread over seeds of the accuracy averaged over budgets, in [0, 1]."""
        return spread(map(budget_average, self.cells))

    def final(self, measure: Callable[[Round], float]) -> Spread:
        """Spread over seeds of a measure after the last round."""
        return spread(measure(cell.rounds[-1]) for cell in self.cells)


@dataclass(frozen=True)
class Comparison:
    """All arms on one data set, protocol and noise, each with the same seeds."""

    table: Table
    data: str
    protocol: Protocol
    noise: float
    rounds: tuple[int, ...]
    """Numbers of the rounds, ascending."""
    seeds: tuple[int, ...]
    """Those that every arm has."""
    planned: int
    """Seeds that the table has anywhere."""
    arms: tuple[ArmCells, ...]
    """By name; without cells where no seed is common."""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"{self.data}, {self.protocol}" + (f", noise {self.noise:g}" if self.noise else "")

    @property
    def remark(self) -> str:
        """What of it is there, as in "3 of 5 seeds"; empty when all is."""
        found = len(self.seeds)
        return "" if found == self.planned else f"{found} of {self.planned} seeds"

    def arm(self, name: str) -> ArmCells:
        """The cells of an arm; none where it has none."""
        return next((arm for arm in self.arms if arm.arm == name), ArmCells(name, ()))


def budget_average(cell: Cell) -> float:
    """Return the mean accuracy of the rounds after round 0, in [0, 1]; nan without any."""
    after = [entry.accuracy for entry in cell.rounds if entry.number > 0]
    return fmean(after) if after else math.nan


def asks_nobody(cell: Cell) -> bool:
    """Whether this is a method without labels."""
    return all(entry.answers == 0 for entry in cell.rounds)


def compare_cells(study: Study, table: Table) -> list[Comparison]:
    """Return the comparisons of a table by data set, protocol and noise.

    Raises InvalidInputError STUDY_INVALID when cells of one comparison have different rounds.
    """
    groups: dict[tuple[str, int, float], list[Cell]] = defaultdict(list)
    for cell in study.cells:
        if cell.key.table == table and not asks_nobody(cell):
            key = cell.key
            groups[key.data, _PROTOCOLS.index(key.protocol), key.noise].append(cell)
    planned = len({cell.key.seed for cells in groups.values() for cell in cells})
    return [_comparison(groups[place], planned) for place in sorted(groups)]


def _comparison(cells: Sequence[Cell], planned: int) -> Comparison:
    key = cells[0].key
    numbers = {tuple(entry.number for entry in cell.rounds) for cell in cells}
    if len(numbers) > 1:
        raise InvalidInputError(
            f"the {key.table} cells of '{key.data}', {key.protocol} have different rounds and "
            "cannot be compared; simulate them again into another --out",
            reason="STUDY_INVALID",
        )
    by_arm: dict[str, dict[int, Cell]] = defaultdict(dict)
    for cell in cells:
        by_arm[cell.key.arm][cell.key.seed] = cell
    seeds = sorted(set[int].intersection(*(set(found) for found in by_arm.values())))
    arms = tuple(
        ArmCells(arm, tuple(by_arm[arm][seed] for seed in seeds)) for arm in sorted(by_arm)
    )
    return Comparison(
        key.table, key.data, key.protocol, key.noise, numbers.pop(), tuple(seeds), planned, arms
    )


def complete(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons that every arm of the table is in, with a seed at least.

    Only these give means over data sets: an arm must not gain by what it was not tried on.
    """
    all_of_them = list(comparisons)
    arms = {arm.arm for comparison in all_of_them for arm in comparison.arms}
    return [
        comparison
        for comparison in all_of_them
        if comparison.seeds and len(comparison.arms) == len(arms)
    ]


def ranked(comparisons: Sequence[Comparison]) -> list[tuple[str, float]]:
    """Return (arm, mean accuracy over budgets) of complete comparisons, the best first.

    Every comparison counts the same; accuracy in [0, 1].
    """
    names = [arm.arm for arm in comparisons[0].arms] if comparisons else []
    means = [
        (name, fmean(comparison.arm(name).average.mean for comparison in comparisons))
        for name in names
    ]
    return sorted(means, key=lambda pair: (-pair[1], pair[0]))


def unlabelled(study: Study) -> list[ArmCells]:
    """Return the methods without labels by data set, protocol and method."""
    groups: dict[tuple[str, int, str], list[Cell]] = defaultdict(list)
    for cell in sorted(study.cells, key=cell_order):
        if asks_nobody(cell):
            key = cell.key
            groups[key.data, _PROTOCOLS.index(key.protocol), key.arm].append(cell)
    return [ArmCells(place[-1], tuple(groups[place])) for place in sorted(groups)]


def cells_of(study: Study, table: Table, arm: str) -> list[Cell]:
    """Return all cells of one arm of a table, matched by other arms or not, in `cell_order`."""
    found = [cell for cell in study.cells if cell.key.table == table and cell.key.arm == arm]
    return sorted(found, key=cell_order)


def cell_order(cell: Cell) -> tuple[str, str, int, float, str, int]:
    """Sort key of cells: table, data set, protocol, noise, arm, seed."""
    key = cell.key
    return key.table, key.data, _PROTOCOLS.index(key.protocol), key.noise, key.arm, key.seed


def auroc_of(signal: str) -> Callable[[Round], float]:
    """Measure for one field of `Signals`; nan in a round without any."""
    return lambda entry: math.nan if entry.auroc is None else float(getattr(entry.auroc, signal))
