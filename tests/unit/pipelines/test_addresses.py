import pytest

from pipelines.addresses import ParquetCell, TarMember, parse_address


@pytest.mark.parametrize(
    "place",
    [
        TarMember("s3://b/a%23.tar?region=x", 512, 7, "a b/#&=%+ü\udcff.jpg"),
        ParquetCell("file:///a.parquet", "image.bytes", 3, 0),
    ],
)
def test_an_address_says_where_the_image_is(place: TarMember | ParquetCell) -> None:
    assert parse_address(place.uri) == place
    assert place.uri.isascii()


@pytest.mark.parametrize(
    "uri",
    [
        "s3://b/a.jpg",
        "s3://b/a.jpg#1",
        "file:///a.tar#offset=x&size=1&name=a",
        "file:///a.tar#offset=1&size=1",
    ],
)
def test_everything_else_is_a_whole_file(uri: str) -> None:
    assert parse_address(uri) is None
