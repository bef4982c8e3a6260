import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from pipelines.decode_stage import (
    DECODED_SCHEMA,
    decode_batch,
    pixels_from_arrow,
    pixels_to_arrow,
)
from poolscore.encoder.geometry import Geometry
from poolscore.images.decode import DecodeLimits, Picture, decode

GEOMETRY = Geometry((8, 8), "bicubic", "shortest")


def _batch(*paths: Path) -> pa.Table:
    columns = {
        "id": [path.stem for path in paths],
        "uri": [path.as_uri() for path in paths],
        "source": ["s"] * len(paths),
        "stamp": ["1", None, "2"][: len(paths)],
    }
    return pa.table(columns)


def test_every_row_comes_back_with_pixels_or_a_reason(tmp_path: Path) -> None:
    good, bad, missing = (tmp_path / name for name in ("good.png", "bad.jpg", "missing.jpg"))
    Image.new("RGB", (30, 20), (10, 200, 30)).save(good)
    bad.write_bytes(b"not a photograph")
    table = decode_batch(_batch(bad, good, missing), GEOMETRY, DecodeLimits())
    assert table.schema.equals(DECODED_SCHEMA)
    assert table["id"].to_pylist() == ["bad", "good", "missing"]
    assert table["stamp"].to_pylist() == ["1", None, "2"]
    assert table["reject_reason"].to_pylist() == ["NOT_AN_IMAGE", None, "UNREADABLE"]
    assert table["width"].to_pylist() == [None, 30, None]
    assert table["height"].to_pylist() == [None, 20, None]
    digests = [blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in (bad, good)]
    assert table["content_hash"].to_pylist() == [*digests, None]
    pixels = pixels_from_arrow(table["pixels"]).reshape(-1, 3, 8, 8)
    assert pixels.shape == (1, 3, 8, 8)
    assert (pixels == np.array([10, 200, 30]).reshape(1, 3, 1, 1)).all()


def test_what_is_refused_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfe.jpg"))
    os.mkfifo(path)
    batch = pa.table({"id": ["a"], "uri": [path.as_uri()], "source": ["s"], "stamp": ["1"]})
    table = decode_batch(batch, GEOMETRY, DecodeLimits())
    assert table["reject_reason"].to_pylist() == ["UNREADABLE"]
    assert table["reject_detail"][0].as_py().endswith("\\udcfe.jpg")


def test_fine_detail_of_a_large_photograph_is_averaged_not_aliased(tmp_path: Path) -> None:
    """The frequencies of a zone plate reach the highest that its pixels can hold."""
    x = np.linspace(-1, 1, 512)
    wave = np.cos((x[:, None] ** 2 + x**2) * np.pi * len(x) / 4)
    path = tmp_path / "zone.jpg"
    Image.fromarray(((wave + 1) * 127.5).astype(np.uint8)).save(path, quality=90)
    whole = decode(path.read_bytes())
    assert isinstance(whole, Picture)
    assert whole.image.size == (512, 512)
    table = decode_batch(_batch(path), GEOMETRY, DecodeLimits())
    assert np.array_equal(pixels_from_arrow(table["pixels"]), GEOMETRY(whole.image).reshape(-1))


def test_pixels_survive_arrow_slices_and_chunks() -> None:
    rows = [np.full(4, 1, np.uint8), None, np.full(4, 3, np.uint8), np.full(4, 4, np.uint8)]
    array = pixels_to_arrow(rows)
    assert array.is_null().to_pylist() == [False, True, False, False]
    assert array.to_pylist()[2] == b"\3\3\3\3"
    assert pixels_from_arrow(pa.chunked_array([array])).tolist() == [1] * 4 + [3] * 4 + [4] * 4
    assert pixels_from_arrow(pa.chunked_array([array.slice(1, 2)])).tolist() == [3] * 4
    joined = pa.chunked_array([array.slice(2), array.slice(0, 1)])
    assert pixels_from_arrow(joined).tolist() == [3] * 4 + [4] * 4 + [1] * 4


def test_no_pixels_at_all() -> None:
    assert len(pixels_from_arrow(pa.chunked_array([pixels_to_arrow([None, None])]))) == 0


def test_decoding_workers_do_without_torch() -> None:
    code = (
        "import sys, pipelines.decode_stage, pipelines.stopping; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
