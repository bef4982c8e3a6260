"""Columns of a listing."""

import pyarrow as pa

INPUT_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "uri", "source", "stamp")])
_REFUSED = [(name, pa.string()) for name in ("reject_reason", "reject_detail")]
REFUSED_SCHEMA = pa.schema([*INPUT_SCHEMA, *_REFUSED])
