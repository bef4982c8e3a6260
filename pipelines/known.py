"""What of a listing the pool holds already, what has changed, and what is missing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from pipelines.places import Store
from pipelines.sources.entry import ABSENT
from pipelines.sources.listing import Listing
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest
from poolscore.store.shards import read_table

_READERS = 4
_SCHEMA = pa.schema([("id", pa.string()), ("stamp", pa.string()), ("listed", pa.bool_())])


@dataclass(frozen=True)
class Difference:
    """A listing beside the rows of a snapshot."""

    todo: Listing
    """What must be read: new images, and known ones whose stamp is another."""
    known: int
    """Listed, held, and as far as their stamps say the same."""
    again: pa.Array
    """Ids of `todo` that the snapshot holds; their rows will be replaced."""
    missing: pa.Array
    """Ids that the snapshot has from these sources, which have them no longer."""


def known_rows(store: Store, manifest: Manifest | None, sources: Sequence[str]) -> pa.Table:
    """Columns id, stamp, and listed: whether the row came from one of `sources`.

    All rows of the snapshot, rejects included.
    """
    filesystem, root = store
    names = pa.array(sources, pa.string())

    def read(path: str) -> pa.Table:
        table = read_table(filesystem, files.absolute(root, path), ["id", "stamp", "source"])
        listed = pc.is_in(table["source"], value_set=names)
        return pa.table([table["id"], table["stamp"], listed], schema=_SCHEMA)

    with ThreadPoolExecutor(_READERS) as pool:
        paths = [shard.path for shard in manifest.shards] if manifest else []
        return pa.concat_tables([_SCHEMA.empty_table(), *pool.map(read, paths)])


def compare(listing: Listing, known: pa.Table) -> Difference:
    """Say what of a listing must be read.

    A stamp that either side lacks says nothing. An address at which there was something and is
    nothing now is missing, like one that is listed no longer: a mount may have vanished.
    """
    ids = known["id"].combine_chunks()
    stamps = known["stamp"].combine_chunks()
    inputs, again, gone = _split(listing.inputs, ids, stamps)
    refused, again_refused, _ = _split(listing.refused, ids, stamps)
    listed = pa.chunked_array(
        [*listing.inputs["id"].chunks, *listing.refused["id"].chunks], pa.string()
    )
    unlisted = pc.and_(
        known["listed"], pc.invert(pc.is_in(known["id"], value_set=listed.combine_chunks()))
    )
    missing = pa.concat_arrays([gone, known["id"].filter(unlisted).combine_chunks()])
    total = len(listing.inputs) + len(listing.refused)
    return Difference(
        Listing(inputs, refused),
        total - len(inputs) - len(refused) - len(gone),
        pa.concat_arrays([again, again_refused]),
        missing,
    )


def _split(table: pa.Table, ids: pa.Array, stamps: pa.Array) -> tuple[pa.Table, pa.Array, pa.Array]:
    """Rows to read; the ids of those that are known; and known ids with nothing at the address."""
    place = pc.index_in(table["id"], value_set=ids).combine_chunks()
    before, now = stamps.take(place), table["stamp"].combine_chunks()
    new = pc.is_null(place)
    differs = pc.and_(pc.invert(new), pc.fill_null(pc.not_equal(before, now), False))
    vanished = pc.and_(differs, pc.equal(now, ABSENT))
    again = pc.and_(differs, pc.invert(pc.fill_null(vanished, False)))
    names = table["id"].combine_chunks()
    return table.filter(pc.or_(new, again)), names.filter(again), names.filter(vanished)
