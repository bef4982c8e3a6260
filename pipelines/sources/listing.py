"""List sources: every image once, and what is refused before it is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from pipelines.sources.duplicates import duplicate_rows, with_own_ids
from pipelines.sources.entry import Entry, default_id, stamp_of
from pipelines.sources.folder import TAR, folder_entries
from pipelines.sources.location import Location, locate, looking_at
from pipelines.sources.path_list import SUFFIXES, list_entries
from pipelines.sources.resolve import is_folder
from pipelines.sources.roots import ANYWHERE, SourceRoots
from pipelines.sources.schemas import INPUT_SCHEMA, REFUSED_SCHEMA
from pipelines.sources.tar import tar_entries
from poolscore.errors import InvalidInputError
from poolscore.images.decode import IMAGE_SUFFIXES
from poolscore.images.reject import Reject, RejectReason
from poolscore.store.arrow import compute as pc

_CHUNK = 1 << 16
_NAMED = 3
"""Sources that an error names."""


@dataclass(frozen=True)
class Listing:
    """What the sources hold, in a fixed order; all ids are different."""

    inputs: pa.Table
    """`INPUT_SCHEMA`."""
    refused: pa.Table
    """`REFUSED_SCHEMA`. A repeated id is refused under an id with a suffix; a source in which there
    is nothing at all under that of its address."""


def list_sources(sources: Sequence[str], roots: SourceRoots = ANYWHERE) -> Listing:
    """List the images of all `sources`, as `check_sources` names them.

    An image that several sources list belongs to the first of them; what is outside of `roots` is
    refused. Raises InvalidInputError SOURCE_EMPTY and what `locate`, `is_folder` and `list_entries`
    raise.
    """
    places = [locate(source, roots) for source in sources]
    parts = [part for place in places for part in _tables(place, roots)]
    table = pa.concat_tables([REFUSED_SCHEMA.empty_table(), *parts])
    unread = pc.is_valid(table["reject_reason"])
    if pc.all(unread).as_py():
        names = "', '".join(place.name for place in places[:_NAMED])
        raise InvalidInputError(
            f"no images in '{names}'{' ...' if places[_NAMED:] else ''}: "
            f"{table['reject_detail'][0]}",
            reason="SOURCE_EMPTY",
            source=places[0].name,
        )
    found = table.filter(pc.invert(unread))
    first = _first(found["id"])
    twins = found.filter(pa.array(~first))
    inputs = found.filter(pa.array(first))
    refused = table.filter(unread)
    refused = with_own_ids(refused.filter(pa.array(_first(refused["id"]))), inputs)
    repeated = duplicate_rows(inputs, twins, refused)
    return Listing(inputs.select(INPUT_SCHEMA.names), pa.concat_tables([refused, repeated]))


def _tables(location: Location, roots: SourceRoots) -> Iterator[pa.Table]:
    entries = iter(_entries(location, roots))
    empty = True
    while chunk := list(islice(entries, _CHUNK)):
        empty = False
        yield _table(chunk, location.name)
    if empty:
        yield _table([_nothing(location)], location.name)


def _entries(location: Location, roots: SourceRoots) -> Iterable[Entry]:
    if is_folder(location):
        return folder_entries(location, roots)
    if location.suffix == TAR:
        with looking_at(location.name):
            info = location.filesystem.get_file_info(location.path)
        return tar_entries(location.uri(location.path), stamp_of(info))
    return list_entries(location, roots)


def _table(entries: list[Entry], source: str) -> pa.Table:
    refused = [entry.refused for entry in entries]
    columns = [
        [entry.id for entry in entries],
        [entry.uri for entry in entries],
        [source] * len(entries),
        [entry.stamp for entry in entries],
        [each and each.reason.value for each in refused],
        [each and each.detail for each in refused],
    ]
    return pa.table([pa.array(each, pa.string()) for each in columns], schema=REFUSED_SCHEMA)


def _nothing(location: Location) -> Entry:
    """A source without images; as an input of its own it is reported, and keeps `--prune` off."""
    detail = f"found no {', '.join(sorted(IMAGE_SUFFIXES))} in it or in a folder below"
    if location.suffix in SUFFIXES and not is_folder(location):
        detail = "the list has no rows"
    uri = location.uri(location.path)
    return Entry(default_id(uri), uri, None, Reject(RejectReason.UNREADABLE, detail))


def _first(ids: pa.ChunkedArray) -> np.ndarray:
    """Whether each row is the first one with its id."""
    # Codes are given in order of appearance, so a new id is a code above all before.
    codes = ids.combine_chunks().dictionary_encode().indices.to_numpy()
    highest = np.maximum.accumulate(np.concatenate([np.full(1, -1, codes.dtype), codes]))
    return np.diff(highest) > 0
