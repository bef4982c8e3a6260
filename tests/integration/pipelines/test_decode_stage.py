"""What decoding at a reduced size costs the embedding; the rest is in unit/pipelines."""

import io

import numpy as np

from pipelines.decode_stage import ENOUGH
from poolscore.encoder.encoder import Encoder
from poolscore.images.decode import Picture, decode
from services.demo.subjects import SUBJECTS, photograph


def test_reduced_photographs_have_the_embedding_of_the_whole(encoder: Encoder) -> None:
    side = ENOUGH * max(encoder.preprocessing.geometry.size)
    pairs: list[np.ndarray] = []
    for name in SUBJECTS:
        file = io.BytesIO()
        picture = photograph(name)
        # Large enough that all of them are reduced.
        times = -(-2 * side // min(picture.size))
        large = picture.resize((times * picture.width, times * picture.height))
        large.save(file, "JPEG", quality=90)
        whole, reduced = decode(file.getvalue()), decode(file.getvalue(), side=side)
        assert isinstance(whole, Picture)
        assert isinstance(reduced, Picture)
        assert reduced.image.width < whole.image.width
        pairs += [encoder.preprocess(each.image) for each in (whole, reduced)]
    embeddings = encoder.encode_images(np.stack(pairs)).astype(np.float32)
    cosines = (embeddings[::2] * embeddings[1::2]).sum(axis=1)
    assert cosines.min() >= 0.999, dict(zip(SUBJECTS, cosines.tolist(), strict=True))
