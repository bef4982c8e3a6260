from pathlib import Path

import numpy as np

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.labeled_folder import read_labeled_folder
from poolscore.evaluation.labeled_set import embed_labeled_folder
from tests.unit.evaluation.test_evaluate import write_folder


def test_rows_stand_in_the_order_of_their_ids(encoder: Encoder, tmp_path: Path) -> None:
    folder = read_labeled_folder(write_folder(tmp_path / "colours", 24), 0)
    cache = tmp_path / "cache.npz"
    data = embed_labeled_folder(folder, encoder, "a {}.", cache, lambda *_: None)
    assert data.classes == ("blue", "green", "red")
    assert data.ids_N.tolist() == sorted(f"{n}.png" for n in range(24) if n % 4)
    names = [("red", "green", "blue")[int(item.split(".")[0]) % 3] for item in data.ids_N]
    assert [data.classes[k] for k in data.pool_targets_N] == names
    assert (data.pool_ND.shape, data.test_MD.shape) == ((18, encoder.dim), (6, encoder.dim))
    assert data.neighbours.rows_NK.shape == (18, 17)
    np.testing.assert_allclose(
        data.zero_shot_CD, encoder.zero_shot(data.classes, "a {}."), rtol=1e-6
    )
    again = embed_labeled_folder(folder, encoder, "a {}.", cache, lambda *_: None)
    assert again.digest == data.digest
    shade = read_labeled_folder(folder.root, 0, "shade")
    other = embed_labeled_folder(shade, encoder, "a {}.", cache, lambda *_: None)
    assert other.name == "colours/shade"
    assert other.digest != data.digest
