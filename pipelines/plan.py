"""The frozen plan of an embedding run: listed once, so that a resumed run sees the same inputs."""

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pydantic import BaseModel, ConfigDict

from pipelines.places import LISTING_SHARD, RunPlaces
from pipelines.sources import Listing, SourceReject, list_source
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.shards import WRITE_OPTIONS

ROWS_PER_FILE = 1 << 20


class Plan(BaseModel):
    """What a run has to do."""

    model_config = ConfigDict(frozen=True)

    source: str
    inputs: int
    """Images to embed."""
    refused: int
    """Inputs refused while listing; their rows are written already."""
    known: int
    """Inputs that the pool's snapshot holds already."""

    @property
    def total(self) -> int:
        """Rows that the run must leave."""
        return self.inputs + self.refused


def load_plan(places: RunPlaces) -> Plan | None:
    """The plan of an earlier attempt, None when it did not get so far."""
    if not places.filesystem.get_file_info(places.plan).is_file:
        return None
    return Plan.model_validate_json(files.read_bytes(places.filesystem, places.plan))


def make_plan(
    places: RunPlaces, source: str, known_ids: Sequence[pa.Array], schema: pa.Schema
) -> Plan:
    """List `source` without `known_ids` and freeze it; `schema` is that of the shards.

    Whatever the run has kept so far is removed. Raises what `list_source` raises.
    """
    places.clear()
    listing = list_source(source)
    fresh = _without(listing, known_ids)
    _write_inputs(places, fresh.inputs)
    if fresh.rejects:
        _write_table(places, f"{places.shards}/{LISTING_SHARD}", _rows(fresh.rejects, schema))
    listed = listing.inputs.num_rows + len(listing.rejects)
    new = fresh.inputs.num_rows + len(fresh.rejects)
    plan = Plan(
        source=source,
        inputs=fresh.inputs.num_rows,
        refused=len(fresh.rejects),
        known=listed - new,
    )
    files.write_atomic(places.filesystem, places.plan, plan.model_dump_json().encode())
    return plan


def overlaps(places: RunPlaces, known_ids: Sequence[pa.Array]) -> bool:
    """Whether the pool holds some planned inputs already: another run was quicker."""
    if places.filesystem.get_file_info(places.inputs).type != fs.FileType.Directory:
        return False
    planned = pq.read_table(places.inputs, columns=["id"], filesystem=places.filesystem)["id"]
    known = pa.chunked_array(known_ids, pa.string()).combine_chunks()
    return bool(pc.any(pc.is_in(planned, value_set=known)).as_py())


def _without(listing: Listing, known_ids: Sequence[pa.Array]) -> Listing:
    known = pa.chunked_array(known_ids, pa.string())
    if len(known) == 0:
        return listing
    new = pc.invert(pc.is_in(listing.inputs["id"], value_set=known.combine_chunks()))
    refused = pa.array([reject.id for reject in listing.rejects], pa.string())
    kept = pc.invert(pc.is_in(refused, value_set=known.combine_chunks())).to_pylist()
    rejects = [row for row, keep in zip(listing.rejects, kept, strict=True) if keep]
    return Listing(listing.inputs.filter(new), rejects)


def _write_inputs(places: RunPlaces, inputs: pa.Table) -> None:
    for number, start in enumerate(range(0, inputs.num_rows, ROWS_PER_FILE)):
        path = f"{places.inputs}/part-{number:06d}.parquet"
        _write_table(places, path, inputs.slice(start, ROWS_PER_FILE))


def _rows(rejects: Sequence[SourceReject], schema: pa.Schema) -> pa.Table:
    columns = {
        "id": [row.id for row in rejects],
        "uri": [row.uri for row in rejects],
        "reject_reason": [row.reject.reason.value for row in rejects],
        "reject_detail": [row.reject.detail for row in rejects],
    }
    empty = [None] * len(rejects)
    return pa.table(
        [pa.array(columns.get(field.name, empty), field.type) for field in schema], schema=schema
    )


def _write_table(places: RunPlaces, path: str, table: pa.Table) -> None:
    buffer = BytesIO()
    options = WRITE_OPTIONS if path.startswith(places.shards) else {}
    pq.write_table(table, buffer, **options)
    files.write_atomic(places.filesystem, path, buffer.getvalue())
