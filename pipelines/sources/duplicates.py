"""Inputs with an id that another input has: the same image again, or a reject of its own."""

import pyarrow as pa

from pipelines.sources.schemas import REFUSED_SCHEMA
from poolscore.images.reject import RejectReason
from poolscore.store.arrow import compute as pc


def duplicate_rows(inputs: pa.Table, twins: pa.Table, refused: pa.Table) -> pa.Table:
    """Rows of `twins`, whose ids are those of inputs, but for what is the same image again.

    They get ids that neither an input nor a row of `refused` has.
    """
    # Not taken from all inputs: addresses of more than 2 GB do not fit into one array.
    owned = inputs.filter(pc.is_in(inputs["id"], value_set=twins["id"].combine_chunks()))
    owners = owned.take(pc.index_in(twins["id"], value_set=owned["id"].combine_chunks()))
    overlap = pc.and_(
        pc.equal(twins["uri"], owners["uri"]), pc.not_equal(twins["source"], owners["source"])
    )
    twins, owners = twins.filter(pc.invert(overlap)), owners.filter(pc.invert(overlap))
    reason = pa.array([RejectReason.DUPLICATE_ID.value] * len(twins), pa.string())
    details = [
        f"id {item} belongs to {uri}"
        for item, uri in zip(owners["id"].to_pylist(), owners["uri"].to_pylist(), strict=True)
    ]
    taken = pa.chunked_array([*inputs["id"].chunks, *refused["id"].chunks], pa.string())
    names = pa.array(_free_ids(taken, twins["id"].to_pylist()), pa.string())
    columns = [names, *twins.columns[1:4], reason, pa.array(details, pa.string())]
    return pa.table(columns, schema=REFUSED_SCHEMA)


def with_own_ids(refused: pa.Table, inputs: pa.Table) -> pa.Table:
    """Rows of `refused`, those with the id of an input under another one."""
    owned = inputs["id"].filter(pc.is_in(inputs["id"], value_set=refused["id"].combine_chunks()))
    clash = pc.is_in(refused["id"], value_set=owned.combine_chunks())
    taken = pa.chunked_array([*inputs["id"].chunks, *refused["id"].chunks], pa.string())
    repeated = refused["id"].filter(clash).to_pylist()
    names = pa.array(_free_ids(taken, repeated), pa.string())
    ids = pc.replace_with_mask(refused["id"].combine_chunks(), clash.combine_chunks(), names)
    return refused.set_column(0, "id", ids)


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
