"""The stage that reads and decodes, as Ray Data maps it over Arrow batches.

Its workers import neither torch nor open_clip. Shapes: N rows of a batch, n of them decoded.

A large JPEG is decoded in full, because libjpeg's reduced sizes alias: with poolscore-lite and 3584
pixels a side, decoding at half of that has a cosine to the embedding of the whole of 0.9983 for a
wall of bricks and 0.873 for a zone plate, decoding at a quarter 0.9968 and 0.557.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.metrics import stage_time, waited_for
from pipelines.reading import read_in_order
from poolscore.encoder.geometry import Geometry
from poolscore.images.decode import DecodeLimits, decode
from poolscore.images.perceptual_hash import BYTES, perceptual_hash
from poolscore.images.reject import Reject

DECODED_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("uri", pa.string()),
        ("source", pa.string()),
        ("stamp", pa.string()),
        ("content_hash", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("perceptual_hash", pa.binary(BYTES)),
        ("reject_reason", pa.string()),
        ("reject_detail", pa.string()),
        ("pixels", pa.large_binary()),
    ]
)


@dataclass(frozen=True)
class _Decoded:
    """What is known of an input after the first stage."""

    content_hash: str | None = None
    width: int | None = None
    height: int | None = None
    perceptual_hash: bytes | None = None
    reject: Reject | None = None
    pixels: npt.NDArray[np.uint8] | None = None


def decode_batch(batch: pa.Table, geometry: Geometry, limits: DecodeLimits) -> pa.Table:
    """Read, decode and preprocess; a row that fails carries the reason and no pixels."""
    addresses = zip(batch["uri"].to_pylist(), batch["stamp"].to_pylist(), strict=True)
    contents = waited_for("read", read_in_order(addresses, limits.max_bytes))
    rows = [_decode_one(data, geometry, limits) for data in contents]
    rejects = [row.reject for row in rows]
    return pa.table(
        [
            batch["id"],
            batch["uri"],
            batch["source"],
            batch["stamp"],
            pa.array([row.content_hash for row in rows], pa.string()),
            pa.array([row.width for row in rows], pa.int32()),
            pa.array([row.height for row in rows], pa.int32()),
            pa.array([row.perceptual_hash for row in rows], pa.binary(BYTES)),
            pa.array([reject and reject.reason.value for reject in rejects], pa.string()),
            pa.array([reject and reject.detail for reject in rejects], pa.string()),
            pixels_to_arrow([row.pixels for row in rows]),
        ],
        schema=DECODED_SCHEMA,
    )


def pixels_to_arrow(rows: Sequence[npt.NDArray[np.uint8] | None]) -> pa.LargeBinaryArray:
    """One value a row, null where there are no pixels; copied once."""
    sizes = [0 if row is None else row.size for row in rows]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    flat = [np.empty(0, np.uint8), *(row.reshape(-1) for row in rows if row is not None)]
    valid = np.packbits([row is not None for row in rows], bitorder="little")
    buffers = [pa.py_buffer(part) for part in (valid, offsets, np.concatenate(flat))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(rows), buffers)


@stage_time("decode")
def _decode_one(data: bytes | Reject, geometry: Geometry, limits: DecodeLimits) -> _Decoded:
    if isinstance(data, Reject):
        return _Decoded(reject=data)
    content_hash = blake2b(data, digest_size=16).hexdigest()
    found = decode(data, limits)
    if isinstance(found, Reject):
        return _Decoded(content_hash, reject=found)
    return _Decoded(
        content_hash,
        found.width,
        found.height,
        perceptual_hash(found.image),
        pixels=geometry(found.image),
    )


def pixels_from_arrow(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """All pixels one after the other; null rows take no bytes, so one chunk is not copied."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    _, offsets, values = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    first, last = int(bounds[0]), int(bounds[-1])
    return np.frombuffer(values, np.uint8, count=last - first, offset=first)
