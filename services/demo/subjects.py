"""The photographs that scikit-image's wheel carries, and what they show."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files

from PIL import Image

SUBJECTS: Mapping[str, str] = {
    "astronaut": "astronaut.png",
    "brick wall": "brick.png",
    "cameraman": "camera.png",
    "biological cell": "cell.png",
    "cat": "chelsea.png",
    "cup of coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "galaxies": "hubble_deep_field.jpg",
    "tissue sample": "ihc.png",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "printed page": "page.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""Class name -> file."""


@cache
def photograph(name: str) -> Image.Image:
    """The photograph of a class in RGB."""
    with as_file(files("skimage").joinpath("data", SUBJECTS[name])) as path:
        return Image.open(path).convert("RGB")
