import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from poolscore.images.decode import DecodeLimits, Picture, decode
from poolscore.images.reject import Reject, RejectReason


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _gradient(width: int = 40, height: int = 30) -> Image.Image:
    x = np.linspace(0, 255, width).astype(np.uint8)
    y = np.linspace(0, 255, height).astype(np.uint8)
    red, green = np.meshgrid(x, y)
    return Image.fromarray(np.stack([red, green, 255 - red], axis=-1))


def _picture(data: bytes, limits: DecodeLimits | None = None) -> Image.Image:
    result = decode(data, limits)
    assert isinstance(result, Picture), result
    assert result.image.mode == "RGB"
    assert (result.width, result.height) == result.image.size
    return result.image


def _reason(data: bytes, limits: DecodeLimits | None = None) -> RejectReason:
    result = decode(data, limits)
    assert isinstance(result, Reject), result
    assert result.detail
    return result.reason


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    image = _gradient()
    assert np.array_equal(np.asarray(_picture(_encode(image, kind))), np.asarray(image))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(kind: str) -> None:
    image = _gradient()
    got = np.asarray(_picture(_encode(image, kind, quality=95))).astype(int)
    assert np.abs(got - np.asarray(image)).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    # The stored pixels are what a camera writes when the upright picture is `upright`.
    stored_from_upright: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
        8: lambda a: np.rot90(a, -1),
    }
    upright = np.asarray(_gradient())
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    got = np.asarray(_picture(_encode(stored, "PNG", exif=exif)))
    assert np.array_equal(got, upright)


def test_an_orientation_without_a_meaning_turns_nothing() -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    assert _picture(_encode(_gradient(), "JPEG", exif=exif)).size == (40, 30)


def test_a_turn_that_fails_leaves_width_and_height() -> None:
    """Pillow cannot write the tags back because the resolution, a rational, is text."""
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 3.5
    broken = exif.tobytes().replace(b"\x01\x1a\x00\x05", b"\x01\x1a\x00\x02")
    assert _picture(_encode(_gradient(), "JPEG", exif=broken)).size == (40, 30)


def test_broken_exif_does_not_cost_the_picture() -> None:
    data = _encode(_gradient(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert _picture(data).size == (40, 30)


def test_cmyk_jpeg_has_the_right_colours() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    colour = np.asarray(_picture(_encode(red, "JPEG", quality=95))).reshape(-1, 3).mean(axis=0)
    assert colour[0] > 240
    assert colour[1:].max() < 15


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    wide = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    got = np.asarray(_picture(_encode(Image.fromarray(wide), kind)))
    expected = np.round(wide / 257).astype(np.uint8)
    assert np.array_equal(got, np.repeat(expected[..., None], 3, axis=-1))
    assert got.min() == 0
    assert got.max() == 255


def test_alpha_lies_on_white() -> None:
    image = Image.new("RGBA", (2, 1))
    image.putdata([(0, 0, 0, 0), (0, 0, 0, 128)])
    got = np.asarray(_picture(_encode(image, "PNG")))[0, :, 0]
    assert got[0] == 255
    assert abs(int(got[1]) - 127) <= 1


def test_grey_with_alpha_lies_on_white() -> None:
    got = np.asarray(_picture(_encode(Image.new("LA", (3, 3), (0, 0)), "PNG")))
    assert (got == 255).all()


def test_transparent_palette_entry_lies_on_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    for kind in ("PNG", "GIF"):
        got = np.asarray(_picture(_encode(image, kind, transparency=0)))
        assert got[0].tolist() == [[255, 255, 255], [200, 100, 50]]


def test_transparent_colour_of_rgb_lies_on_white() -> None:
    image = Image.new("RGB", (2, 1), (9, 9, 9))
    image.putpixel((1, 0), (1, 2, 3))
    got = np.asarray(_picture(_encode(image, "PNG", transparency=(9, 9, 9))))
    assert got[0].tolist() == [[255, 255, 255], [1, 2, 3]]


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_becomes_three_equal_channels(mode: str) -> None:
    got = np.asarray(_picture(_encode(Image.new(mode, (4, 4), 255), "PNG")))
    assert got.shape == (4, 4, 3)
    assert (got == 255).all()


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = _encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(_picture(data))[0, 0].tolist() == [255, 0, 0]


def test_empty() -> None:
    assert _reason(b"") is RejectReason.EMPTY


def test_too_many_bytes() -> None:
    data = _encode(_gradient(), "PNG")
    assert _reason(data, DecodeLimits(max_bytes=len(data) - 1)) is RejectReason.TOO_LARGE_BYTES
    assert _picture(data, DecodeLimits(max_bytes=len(data)))


@pytest.mark.parametrize("data", [b"hello world, not an image", b"%PDF-1.7\n", b"\0" * 1000])
def test_not_an_image(data: bytes) -> None:
    assert _reason(data) is RejectReason.NOT_AN_IMAGE


def test_a_format_outside_the_list_is_not_decoded() -> None:
    assert _reason(_encode(_gradient(), "PPM")) is RejectReason.NOT_AN_IMAGE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_cut_files_are_truncated(kind: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = _encode(Image.fromarray(noise), kind)
    assert _reason(data[: int(len(data) * kept)]) is RejectReason.TRUNCATED


def test_cut_inside_the_header_is_truncated() -> None:
    assert _reason(_encode(_gradient(), "JPEG")[:20]) is RejectReason.TRUNCATED


def test_broken_data_is_corrupt() -> None:
    data = bytearray(_encode(_gradient(), "PNG"))
    start = data.index(b"IDAT") + 4
    data[start : start + 20] = b"\xff" * 20
    assert _reason(bytes(data)) is RejectReason.CORRUPT


def _png_header(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_500, 12_000, 60_000])
def test_decompression_bombs_are_refused_by_their_header(side: int) -> None:
    assert _reason(_png_header(side, side)) is RejectReason.DECOMPRESSION_BOMB


def test_pixel_limit_is_the_configured_one() -> None:
    data = _encode(_gradient(40, 30), "PNG")
    limits = DecodeLimits(max_pixels=40 * 30 - 1)
    assert _reason(data, limits) is RejectReason.DECOMPRESSION_BOMB
    assert _picture(data, DecodeLimits(max_pixels=40 * 30))


@pytest.mark.parametrize("size", [(400, 4), (4, 400)])
def test_absurd_aspect(size: tuple[int, int]) -> None:
    data = _encode(Image.new("RGB", size), "PNG")
    assert _reason(data) is RejectReason.BAD_ASPECT
    assert _picture(data, DecodeLimits(max_aspect=100)).size == size


def test_pixels_without_a_meaning_as_colours() -> None:
    floats = Image.fromarray(np.ones((4, 4), np.float32))
    assert _reason(_encode(floats, "TIFF")) is RejectReason.UNSUPPORTED_PIXELS
    integers = Image.fromarray(np.full((4, 4), 2**20, np.int32))
    assert _reason(_encode(integers, "TIFF")) is RejectReason.UNSUPPORTED_PIXELS


@given(st.binary(max_size=300), st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"]))
def test_never_raises(noise: bytes, kind: str) -> None:
    data = bytearray(_encode(_gradient(), kind))
    data[len(data) // 3 : len(data) // 3 + len(noise)] = noise
    for candidate in (noise, bytes(data)):
        result = decode(candidate)
        assert isinstance(result, Picture | Reject)


@pytest.mark.parametrize(("side", "expected"), [(50, 50), (60, 100), (200, 200), (201, 400)])
def test_a_large_jpeg_is_decoded_as_small_as_suffices(side: int, expected: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = _encode(_gradient(600, 400), "JPEG", exif=exif)
    found = decode(data, side=side)
    assert isinstance(found, Picture)
    assert (found.width, found.height) == (400, 600)
    assert found.image.size == (expected, expected * 3 // 2)


def test_other_formats_are_decoded_whole() -> None:
    found = decode(_encode(_gradient(600, 400), "PNG"), side=50)
    assert isinstance(found, Picture)
    assert found.image.size == (600, 400)
