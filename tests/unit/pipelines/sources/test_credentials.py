import pytest

from pipelines.sources.credentials import refuse_credentials, without_credentials
from poolscore.errors import InvalidInputError


@pytest.mark.parametrize(
    ("address", "cut"),
    [
        ("s3://KEY:HUSH@bucket/a.jpg", "s3://bucket/a.jpg"),
        ("S3://KEY:HU/SH@bucket/a@b.jpg", "S3://bucket/a@b.jpg"),
        ("s3://KEY%3AHUSH%40bucket/a.jpg", "s3://bucket/a.jpg"),
        ("s3://KEY:HU@SH@bucket/a.jpg", "s3://bucket/a.jpg"),
        ("s3://KEY:HUSH/a.jpg", "s3://..."),
        ("s3://KEY:HUSH@bucket/a.tar#offset=1&size=2&name=x", None),
        ("gs://anonymous@KEY:HUSH@bucket/a.jpg", "gs://bucket/a.jpg"),
        ("https://me:HUSH@host:80/a.jpg", "https://host:80/a.jpg"),
    ],
)
def test_keys_are_refused_and_not_repeated(address: str, cut: str | None) -> None:
    with pytest.raises(InvalidInputError, match="instead") as caught:
        refuse_credentials(address)
    assert caught.value.reason == "SOURCE_HAS_CREDENTIALS"
    assert "HU" not in caught.value.message
    assert without_credentials(address) == (cut or "s3://bucket/a.tar#offset=1&size=2&name=x")


@pytest.mark.parametrize(
    "address",
    ["s3://bucket/me@home:1.jpg", "gs://anonymous@bucket/a", "https://host:80/a", "/a:b@c", "a@b"],
)
def test_what_is_no_key_passes(address: str) -> None:
    refuse_credentials(address)
    assert without_credentials(address) == address


def test_the_advice_is_that_of_the_store() -> None:
    with pytest.raises(InvalidInputError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        refuse_credentials("gs://key:secret@bucket")
