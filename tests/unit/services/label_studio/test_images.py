import io

import pytest
from PIL import Image

from poolscore.errors import NotFoundError
from services.label_studio.images import for_a_browser


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encoded("JPEG"), "image/jpeg"),
        (encoded("MPO", save_all=True, append_images=[Image.new("RGB", (20, 10))]), "image/jpeg"),
        (encoded("PNG"), "image/png"),
        (encoded("WEBP"), "image/webp"),
    ],
)
def test_what_browsers_show_stays_as_it_is(data: bytes, kind: str) -> None:
    assert for_a_browser(data) == (data, kind)


@pytest.mark.parametrize("form", ["TIFF", "GIF", "BMP"])
def test_other_formats_become_png(form: str) -> None:
    data, kind = for_a_browser(encoded(form))
    with Image.open(io.BytesIO(data)) as image:
        assert (kind, image.format, image.size) == ("image/png", "PNG", (20, 10))


@pytest.mark.parametrize("data", [b"not an image", encoded("JPEG")[:10]])
def test_what_is_no_image(data: bytes) -> None:
    with pytest.raises(NotFoundError):
        for_a_browser(data)
