"""The frozen plan of an embedding run: listed once, so that a resumed run sees the same inputs."""

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from pipelines.known import Difference, compare, known_rows
from pipelines.places import LISTING_SHARD, RunPlaces, Store
from pipelines.sources.listing import list_sources
from pipelines.sources.roots import ANYWHERE, SourceRoots
from poolscore.errors import FailedPreconditionError
from poolscore.images.reject import RejectReason
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest
from poolscore.store.shards import WRITE_OPTIONS

ROWS_PER_FILE = 1 << 20

Base = tuple[int, Manifest]
"""Number and manifest of the snapshot on which a run builds."""


class Plan(BaseModel):
    """What a run has to do."""

    model_config = ConfigDict(frozen=True)

    sources: tuple[str, ...]
    prune: bool
    base: int | None
    """Number of the snapshot on which it builds."""
    inputs: int
    """Images to embed."""
    refused: int
    """Inputs refused while listing; their rows are written already."""
    again: int
    """Inputs and refused ones whose rows replace those of the snapshot."""
    known: int
    """Inputs that the pool's snapshot holds already."""
    missing: int
    """Rows of the snapshot whose sources have them no longer."""

    @property
    def total(self) -> int:
        """Rows that the run must leave."""
        return self.inputs + self.refused

    @property
    def dropped(self) -> int:
        """Rows of the snapshot that the next one will not share."""
        return self.again + (self.missing if self.prune else 0)


def load_plan(places: RunPlaces) -> Plan | None:
    """The plan of an earlier attempt, None when it did not get so far."""
    if not places.filesystem.get_file_info(places.plan).is_file:
        return None
    return Plan.model_validate_json(files.read_bytes(places.filesystem, places.plan))


def make_plan(
    places: RunPlaces,
    store: Store,
    sources: Sequence[str],
    base: Base | None,
    schema: pa.Schema,
    prune: bool = False,
    roots: SourceRoots = ANYWHERE,
) -> Plan:
    """List `sources`, compare with the snapshot `base` and freeze what there is to do.

    `sources` are named as `check_sources` does, `schema` is that of the shards. Whatever the run
    has kept so far is removed. Raises what `list_sources` raises; FailedPreconditionError
    PRUNE_UNSAFE.
    """
    places.clear()
    listing = list_sources(sources, roots)
    known = known_rows(store, base[1] if base else None, sources)
    difference = compare(listing, known)
    if prune and len(difference.missing):
        _check_prune(listing.refused)
    todo = difference.todo
    _write_inputs(places, todo.inputs)
    if len(todo.refused):
        _write_table(places, f"{places.shards}/{LISTING_SHARD}", _rows(todo.refused, schema))
    dropped = _dropped(difference, prune)
    if len(dropped):
        _write_table(places, places.dropped, pa.table({"id": dropped}))
    plan = Plan(
        sources=tuple(sources),
        prune=prune,
        base=base[0] if base else None,
        inputs=len(todo.inputs),
        refused=len(todo.refused),
        again=len(difference.again),
        known=difference.known,
        missing=len(difference.missing),
    )
    files.write_atomic(places.filesystem, places.plan, plan.model_dump_json().encode())
    return plan


def dropped_ids(places: RunPlaces) -> pa.Array:
    """Ids of the rows of the snapshot that the next one will not share."""
    if not places.filesystem.get_file_info(places.dropped).is_file:
        return pa.array([], pa.string())
    data = files.read_buffer(places.filesystem, places.dropped)
    return pq.read_table(pa.BufferReader(data))["id"].combine_chunks()


def is_outdated(plan: Plan, places: RunPlaces, store: Store, base: Base | None) -> bool:
    """Whether another run was committed since, with inputs that this one would do again.

    Or with rows that this one would have replaced: only a new listing says which.
    """
    if plan.base == (base[0] if base else None):
        return False
    if plan.dropped:
        return True
    known = known_rows(store, base[1] if base else None, ())["id"].combine_chunks()
    return any(pc.any(pc.is_in(ids, value_set=known)).as_py() for ids in _planned(plan, places))


def drops_what_is_back(
    plan: Plan,
    places: RunPlaces,
    store: Store,
    base: Base | None,
    roots: SourceRoots = ANYWHERE,
) -> bool:
    """Whether images that the plan prunes as missing are in its sources again.

    A disk that was not there when they were listed may be by now. Raises what `list_sources`
    raises.
    """
    if not plan.prune or not plan.missing:
        return False
    gone = dropped_ids(places)
    for ids in _planned(plan, places):
        gone = gone.filter(pc.invert(pc.is_in(gone, value_set=ids.combine_chunks())))
    known = known_rows(store, base[1] if base else None, plan.sources)
    missing = compare(list_sources(plan.sources, roots), known).missing
    return not pc.all(pc.is_in(gone, value_set=missing)).as_py()


def _planned(plan: Plan, places: RunPlaces) -> list[pa.ChunkedArray]:
    """Ids of the rows that the run writes."""
    planned = [_ids(places, places.inputs)] if plan.inputs else []
    return planned + ([_ids(places, f"{places.shards}/{LISTING_SHARD}")] if plan.refused else [])


def _ids(places: RunPlaces, path: str) -> pa.ChunkedArray:
    return pq.read_table(path, columns=["id"], filesystem=places.filesystem)["id"]


def _dropped(difference: Difference, prune: bool) -> pa.Array:
    return pa.concat_arrays([difference.again, difference.missing[: None if prune else 0]])


def _check_prune(refused: pa.Table) -> None:
    unlisted = pa.array([RejectReason.UNREADABLE.value, RejectReason.NOT_ALLOWED.value])
    unread = refused.filter(pc.is_in(refused["reject_reason"], value_set=unlisted))
    if len(unread):
        raise FailedPreconditionError(
            f"nothing is pruned, as all that was in '{unread['uri'][0]}' would pass for missing: "
            f"{unread['reject_detail'][0]}; put it right, or leave out --prune",
            reason="PRUNE_UNSAFE",
        )


def _write_inputs(places: RunPlaces, inputs: pa.Table) -> None:
    for number, start in enumerate(range(0, inputs.num_rows, ROWS_PER_FILE)):
        path = f"{places.inputs}/part-{number:06d}.parquet"
        _write_table(places, path, inputs.slice(start, ROWS_PER_FILE))


def _rows(refused: pa.Table, schema: pa.Schema) -> pa.Table:
    empty = [None] * len(refused)
    return pa.table(
        [
            refused[field.name]
            if field.name in refused.column_names
            else pa.array(empty, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _write_table(places: RunPlaces, path: str, table: pa.Table) -> None:
    buffer = BytesIO()
    options = WRITE_OPTIONS if path.startswith(places.shards) else {}
    pq.write_table(table, buffer, **options)
    files.write_atomic(places.filesystem, path, buffer.getvalue())
