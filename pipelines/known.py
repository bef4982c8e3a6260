"""What of a listing the pool holds already, what has changed, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipelines.places import Store
from pipelines.sources.entry import ABSENT
from pipelines.sources.listing import Listing
from poolscore.images.reject import RejectReason
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest
from poolscore.store.read_each import read_each
from poolscore.store.shards import read_table

_TEXTS = [(name, pa.string()) for name in ("id", "stamp", "reject_reason")]
_SCHEMA = pa.schema([*_TEXTS, ("listed", pa.bool_())])


@dataclass(frozen=True)
class Difference:
    """A listing beside the rows of a snapshot."""

    todo: Listing
    """What must be read: new images, those whose stamp is another, and rejects to try again."""
    known: int
    """Listed, held, and as far as their stamps say the same."""
    again: pa.Array
    """Ids of `todo` that the snapshot holds; their rows will be replaced."""
    missing: pa.Array
    """Ids that the snapshot has from these sources, which have them no longer."""


def known_rows(store: Store, manifest: Manifest | None, sources: Sequence[str]) -> pa.Table:
    """Columns id, stamp, reject_reason, and listed: whether the row came from one of `sources`.

    All rows of the snapshot, rejects included. Shards of earlier versions say neither the source
    nor the stamp.
    """
    filesystem, root = store
    names = pa.array(sources, pa.string())

    def read(path: str) -> pa.Table:
        columns = ["id", "stamp", "reject_reason", "source"]
        place = files.absolute(root, path)
        table = read_table(filesystem, place, columns, optional=("stamp", "source"))
        absent = pa.nulls(len(table), pa.string())
        own = [table[name] if name in table.column_names else absent for name in columns]
        listed = pc.is_in(own.pop(), value_set=names)
        return pa.table([*own, listed], schema=_SCHEMA)

    paths = [shard.path for shard in manifest.shards] if manifest else []
    return pa.concat_tables([_SCHEMA.empty_table(), *read_each(read, paths)])


def compare(listing: Listing, known: pa.Table) -> Difference:
    """Say what of a listing must be read.

    A stamp that either side lacks says nothing; a reject is tried again then, and whenever it could
    not be read: the next attempt may find a better day. An address at which there was something and
    is nothing now is missing, like one that is listed no longer: a mount may have vanished.
    """
    held = pa.record_batch({name: known[name].combine_chunks() for name, _ in _TEXTS})
    inputs, again, gone = _split(listing.inputs, held, retry=True)
    # To list what is refused was the attempt.
    refused, again_refused, _ = _split(listing.refused, held, retry=False)
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


def _split(
    table: pa.Table, held: pa.RecordBatch, *, retry: bool
) -> tuple[pa.Table, pa.Array, pa.Array]:
    """Rows to read; the ids of those that are known; and known ids with nothing at the address."""
    place = pc.index_in(table["id"], value_set=held["id"]).combine_chunks()
    before, now = held["stamp"].take(place), table["stamp"].combine_chunks()
    reason = held["reject_reason"].take(place)
    new = pc.is_null(place)
    another = pc.not_equal(before, now)
    differs = pc.and_(pc.invert(new), pc.fill_null(another, False))
    absent = pc.fill_null(pc.equal(now, ABSENT), False)
    unread = pc.fill_null(pc.equal(reason, RejectReason.UNREADABLE.value), False)
    doubtful = pc.and_(pc.is_valid(reason), pc.or_(unread, pc.is_null(another)))
    vanished = pc.and_(differs, absent)
    again = pc.and_(pc.or_(differs, pc.and_(doubtful, retry)), pc.invert(absent))
    names = table["id"].combine_chunks()
    return table.filter(pc.or_(new, again)), names.filter(again), names.filter(vanished)
