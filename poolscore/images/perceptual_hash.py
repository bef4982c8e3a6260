"""What a photograph looks like, in 128 bits that survive recompression and resizing.

Shapes: S pixels of a side of the small picture.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

BYTES = 16
"""Length of a hash."""
_S = 32
_FREQUENCIES = 8


def perceptual_hash(image: Image.Image) -> bytes:
    """Return 64 bits of coarse structure, then 64 bits of gradients, of an RGB picture.

    [C] The structure is pHash: whether each of the 8 x 8 lowest frequencies of the 32 x 32 grey
    picture lies above their median. The gradients are dHash: whether each of 8 x 8 places is
    brighter than the one to its left. Each alone takes pictures of one kind of scene for the same
    photograph; their mistakes differ.
    """
    # Averaging whole boxes first is what makes this cheap for a large photograph.
    small = image.resize((4 * _S, 4 * _S), Image.Resampling.BOX, reducing_gap=2.0).convert("L")
    grey_SS = np.asarray(small.resize((_S, _S), Image.Resampling.LANCZOS), np.float64)
    spectrum = _COSINES @ grey_SS @ _COSINES.T
    structure = spectrum > np.median(spectrum.ravel()[1:])
    rows = np.asarray(small.resize((9, 8), Image.Resampling.LANCZOS), np.int16)
    gradients = rows[:, 1:] > rows[:, :-1]
    return np.packbits(np.concatenate([structure.ravel(), gradients.ravel()])).tobytes()


def _cosines() -> npt.NDArray[np.float64]:
    """The lowest frequencies of the discrete cosine transform (type II, not normalised)."""
    places = (2 * np.arange(_S) + 1) / (2 * _S)
    return np.cos(np.pi * np.arange(_FREQUENCIES)[:, None] * places[None, :])


_COSINES = _cosines()
