import numpy as np
import pyarrow as pa
import pytest

from pipelines.decode_stage import DECODED_SCHEMA
from pipelines.encode_stage import check_digest, shard_rows
from poolscore.errors import FailedPreconditionError
from poolscore.scoring.types import Scores
from poolscore.store.shards import embeddings_from_arrow, shard_schema


def test_shard_rows_put_embeddings_and_scores_where_they_belong() -> None:
    valid = np.array([False, True, True])
    batch = pa.table(
        {
            "id": ["a", "b", "c"],
            "uri": ["u", "v", "w"],
            "source": ["s", "s", "s"],
            "stamp": ["1", None, "1"],
            **{name: [None] * 3 for name in ("content_hash", "width", "height", "perceptual_hash")},
            "reject_reason": ["EMPTY", None, None],
            **{name: [None] * 3 for name in ("reject_detail", "pixels")},
        },
        schema=DECODED_SCHEMA,
    )
    embeddings = np.arange(8, dtype=np.float16).reshape(2, 4)
    numbers = [np.array([0.25, 0.5], np.float32)] * 4
    scores = Scores(np.array([2, 1], np.int32), *numbers)
    schema = shard_schema(4, "digest")
    table = shard_rows(batch, valid, embeddings, scores, schema)
    assert table.schema.equals(schema, check_metadata=True)
    assert table["embedding"].is_null().to_pylist() == [True, False, False]
    kept = table["embedding"].filter(pa.array(valid))
    assert np.array_equal(embeddings_from_arrow(kept), embeddings)
    assert table["predicted"].to_pylist() == [None, 2, 1]
    assert table["p_clean"].to_pylist() == [None, 0.25, 0.5]
    assert table["reject_reason"].to_pylist() == ["EMPTY", None, None]


def test_another_encoder_is_refused() -> None:
    check_digest("a" * 64, "a" * 64)
    with pytest.raises(FailedPreconditionError, match="precision") as caught:
        check_digest("a" * 64, "b" * 64)
    assert caught.value.reason == "ENCODER_CHANGED"
