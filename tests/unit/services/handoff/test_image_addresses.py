import pytest

from poolscore.errors import InvalidInputError
from services.handoff.image_addresses import image_addresses


def test_without_a_base_label_studio_serves_disks_itself() -> None:
    address = image_addresses()
    assert address("file:///data/a%20b/1.jpg") == "/data/local-files/?d=data/a%20b/1.jpg"
    assert address("/data/1#2.jpg") == "/data/local-files/?d=data/1%232.jpg"
    assert address("s3://bucket/1.jpg") == "s3://bucket/1.jpg"


def test_a_base_takes_the_place_of_another() -> None:
    address = image_addresses("/data/=https://images.example.org/?p=")
    assert address("file:///data/a%20b/1.jpg") == "https://images.example.org/?p=a%20b/1.jpg"
    assert image_addresses("s3://b=https://cdn")("s3://b/1.jpg") == "https://cdn/1.jpg"
    with pytest.raises(InvalidInputError, match=r"/other/1\.jpg does not begin with /data/"):
        address("/other/1.jpg")
    with pytest.raises(InvalidInputError, match=r"/database/1\.jpg does not begin with /data"):
        image_addresses("/data=https://images.example.org")("/database/1.jpg")


@pytest.mark.parametrize("base", ["/data", "=x", "/data="])
def test_what_is_no_base(base: str) -> None:
    with pytest.raises(InvalidInputError, match="write FROM=TO"):
        image_addresses(base)


def test_images_inside_of_a_file_cannot_be_shown() -> None:
    uri = "file:///a.tar#offset=1536&size=20480&name=cats/1.jpg"
    with pytest.raises(InvalidInputError, match="lies inside of a file"):
        image_addresses()(uri)
