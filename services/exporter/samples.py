"""The samples of one pool."""

from collections.abc import Iterator, Mapping

from poolscore.store.answer_columns import ABSTAIN, CANDIDATES, LABEL
from poolscore.store.pool_states import PoolState, TrainingOutcome
from poolscore.store.records import BatchState, RunKind, RunState
from services.exporter import metrics
from services.exporter.judgements import judgements
from services.exporter.sample import Sample


def samples(pool: PoolState, rejects: Mapping[str, int]) -> Iterator[Sample]:
    """What is shown of a pool; `rejects` are those of its snapshot by reason."""
    yield from _images(pool, rejects)
    yield from _labels(pool)
    yield metrics.LEASED, ("open",), pool.leases.open
    yield metrics.LEASED, ("expired",), pool.leases.expired
    for state in BatchState:
        yield metrics.BATCHES, (state.lower(),), pool.batches.get(state, 0)
    yield from _prompts(pool)
    yield from judgements(pool)
    yield from _runs(pool)


def _runs(pool: PoolState) -> Iterator[Sample]:
    for kind in RunKind:
        for state in RunState:
            yield metrics.RUNS, (kind.lower(), state.lower()), pool.runs.get((kind, state), 0)
    for kind, running in pool.running.items():
        yield metrics.RUN_ITEMS, (kind.lower(),), running.total
        yield metrics.RUN_DONE, (kind.lower(),), running.done
        yield metrics.RUN_UPDATES, (kind.lower(),), running.sequence


def _images(pool: PoolState, rejects: Mapping[str, int]) -> Iterator[Sample]:
    counts = pool.snapshot
    embedded, rejected = (counts.embedded, counts.rejected) if counts else (0, 0)
    yield metrics.IMAGES, (), embedded + rejected
    yield metrics.EMBEDDED, (), embedded
    for reason, count in rejects.items():
        yield metrics.REJECTED, (reason,), count


def _labels(pool: PoolState) -> Iterator[Sample]:
    for kind in (LABEL, CANDIDATES, ABSTAIN):
        yield metrics.LABELS, (kind.lower(),), pool.labels.get(kind, 0)
    yield metrics.LABEL_EVENTS, (), pool.label_events
    yield metrics.CLASSES, (), pool.classes
    yield metrics.CLASS_COVERAGE, (), pool.class_coverage
    yield metrics.SPENT, (), pool.spent
    if pool.budget:
        yield metrics.BUDGET, (), pool.budget
        yield metrics.BUDGET_LEFT, (), pool.budget - pool.spent - pool.leases.open


def _prompts(pool: PoolState) -> Iterator[Sample]:
    yield metrics.NEW_LABEL_EVENTS, (), pool.new_label_events
    if pool.newest_label_time is not None:
        yield metrics.LABEL_TIME, (), pool.newest_label_time.timestamp()
    if pool.prompt_version is not None:
        yield metrics.PROMPT_VERSION, (), pool.prompt_version
    if pool.ranking_time is not None:
        yield metrics.RANKING_TIME, (), pool.ranking_time.timestamp()
        newest = pool.newest_label_time or pool.ranking_time
        lag = (newest - pool.ranking_time).total_seconds()
        yield metrics.RANKING_LAG, (), max(lag, 0.0)
    if pool.last_training is not None:
        yield metrics.TRAINING_TIME, (), pool.last_training.end_time.timestamp()
        for outcome in TrainingOutcome:
            is_it = outcome is pool.last_training.outcome
            yield metrics.TRAINING, (outcome,), float(is_it)
