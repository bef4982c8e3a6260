"""What a benchmark declares and what a measurement says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules

from bench import cases


class SkippedError(Exception):
    """A benchmark that cannot run here, and what it lacks."""


@dataclass(frozen=True)
class Measurement:
    """One measured run of a benchmark."""

    value: float
    """In the benchmark's unit; a median where the benchmark repeats."""
    ratio: float
    """How many times better than the peer, whatever the unit: larger is better."""
    limit: float
    """The best value that this machine or the arithmetic allows, in the benchmark's unit."""
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    """Single repetitions and whatever else explains the value."""


@dataclass(frozen=True)
class Benchmark:
    """A workload, whom it is compared with, and what must hold."""

    name: str
    workload: str
    unit: str
    peer: str
    """What the ratio compares with; measured in the same run wherever possible."""
    floor: float
    """Smallest ratio that passes."""
    measure: Callable[[], Measurement]

    @property
    def command(self) -> str:
        """How to repeat this benchmark alone."""
        return f"python -m bench {self.name}"


def find_cases() -> dict[str, dict[str, Benchmark]]:
    """Every module in `bench/cases` with its benchmarks."""
    names = [f"{cases.__name__}.{module.name}" for module in iter_modules(cases.__path__)]
    return {name: benchmarks_of(name) for name in names}


def benchmarks_of(module: str) -> dict[str, Benchmark]:
    """The benchmarks of one module, by name."""
    return {benchmark.name: benchmark for benchmark in import_module(module).BENCHMARKS}
