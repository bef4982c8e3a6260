"""List sources: every image once, and what is refused before it is read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from pipelines.sources.entry import Entry, stamp_of
from pipelines.sources.folder import TAR, folder_entries
from pipelines.sources.location import Location, locate, looking_at
from pipelines.sources.path_list import SUFFIXES, list_entries
from pipelines.sources.resolve import is_folder
from pipelines.sources.tar import tar_entries
from poolscore.errors import InvalidInputError
from poolscore.images.decode import IMAGE_SUFFIXES
from poolscore.images.reject import RejectReason
from poolscore.store.arrow import compute as pc

INPUT_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "uri", "source", "stamp")])
_REFUSED = [(name, pa.string()) for name in ("reject_reason", "reject_detail")]
REFUSED_SCHEMA = pa.schema([*INPUT_SCHEMA, *_REFUSED])
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Listing:
    """What the sources hold, in a fixed order; all ids are different."""

    inputs: pa.Table
    """`INPUT_SCHEMA`."""
    refused: pa.Table
    """`REFUSED_SCHEMA`. A repeated id is refused under an id with a suffix."""


def list_sources(sources: Sequence[str]) -> Listing:
    """List the images of all `sources`, as `check_sources` names them.

    An image that several sources list belongs to the first of them.
    Raises InvalidInputError SOURCE_EMPTY and what `is_folder` and `list_entries` raise.
    """
    parts = [part for source in sources for part in _tables(locate(source))]
    table = pa.concat_tables([REFUSED_SCHEMA.empty_table(), *parts])
    unread = pc.is_valid(table["reject_reason"])
    found = table.filter(pc.invert(unread))
    first = _first(found["id"])
    twins = found.filter(pa.array(~first))
    refused = table.filter(unread)
    refused = refused.filter(pa.array(_first(refused["id"])))
    inputs = found.filter(pa.array(first))
    repeated = _duplicates(inputs, twins)
    return Listing(inputs.select(INPUT_SCHEMA.names), pa.concat_tables([refused, repeated]))


def _tables(location: Location) -> Iterator[pa.Table]:
    entries = iter(_entries(location))
    images, refused = 0, list[str]()
    while chunk := list(islice(entries, _CHUNK)):
        refused += [entry.refused.detail for entry in chunk if entry.refused]
        images += len(chunk)
        yield _table(chunk, location.name)
    if images == len(refused):
        raise _empty(location, refused)


def _entries(location: Location) -> Iterable[Entry]:
    if is_folder(location):
        return folder_entries(location)
    if location.suffix == TAR:
        with looking_at(location.name):
            info = location.filesystem.get_file_info(location.path)
        return tar_entries(location.uri(location.path), stamp_of(info))
    return list_entries(location)


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


def _empty(location: Location, refused: list[str]) -> InvalidInputError:
    looked = f"looked for {', '.join(sorted(IMAGE_SUFFIXES))} in it and in all folders below"
    why = f"; {refused[0]}" if refused else f": {looked}"
    if location.suffix in SUFFIXES and not is_folder(location):
        why = ": the list has no rows"
    return InvalidInputError(
        f"no images in '{location.name}'{why}", reason="SOURCE_EMPTY", source=location.name
    )


def _first(ids: pa.ChunkedArray) -> np.ndarray:
    """Whether each row is the first one with its id."""
    # Codes are given in order of appearance, so a new id is a code above all before.
    codes = ids.combine_chunks().dictionary_encode().indices.to_numpy()
    highest = np.maximum.accumulate(np.concatenate([np.full(1, -1, codes.dtype), codes]))
    return np.diff(highest) > 0


def _duplicates(inputs: pa.Table, twins: pa.Table) -> pa.Table:
    """Rows of `twins`, whose ids are those of inputs, but for what is the same image again."""
    place = pc.index_in(twins["id"], value_set=inputs["id"].combine_chunks())
    owners = inputs.take(place)
    overlap = pc.and_(
        pc.equal(twins["uri"], owners["uri"]), pc.not_equal(twins["source"], owners["source"])
    )
    twins, owners = twins.filter(pc.invert(overlap)), owners.filter(pc.invert(overlap))
    reason = pa.array([RejectReason.DUPLICATE_ID.value] * len(twins), pa.string())
    details = [
        f"id {item} belongs to {uri}"
        for item, uri in zip(owners["id"].to_pylist(), owners["uri"].to_pylist(), strict=True)
    ]
    names = pa.array(_free_ids(inputs["id"], twins["id"].to_pylist()), pa.string())
    columns = [names, *twins.columns[1:4], reason, pa.array(details, pa.string())]
    return pa.table(columns, schema=REFUSED_SCHEMA)


def _free_ids(taken: pa.ChunkedArray, repeated: list[str]) -> list[str]:
    """`{id}~{n}`, from 2 on, that no input has."""
    own: list[str] = []
    seen: dict[str, int] = {}
    # What looks like one of ours is rare, and the whole pool would be too much for a set.
    used = set(taken.filter(pc.match_substring(taken, "~")).to_pylist()) if repeated else set()
    for item in repeated:
        seen[item] = seen.get(item, 1) + 1
        while (name := f"{item}~{seen[item]}") in used:
            seen[item] += 1
        used.add(name)
        own.append(name)
    return own
