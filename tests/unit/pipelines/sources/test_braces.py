import pytest

from pipelines.sources.braces import expand_braces
from poolscore.errors import InvalidInputError


def test_numbers_are_as_wide_as_the_first() -> None:
    assert list(expand_braces("s3://b/x-{08..11}.tar")) == [
        f"s3://b/x-{number}.tar" for number in ("08", "09", "10", "11")
    ]
    assert list(expand_braces("{0..1}/{2..3}")) == ["0/2", "0/3", "1/2", "1/3"]
    assert list(expand_braces("a{b}..c")) == ["a{b}..c"]


@pytest.mark.parametrize(
    "source", ["{3..1}", "{0..99999999}", "{0..99999}{0..99999}", "{3..1}{4..2}"]
)
def test_absurd_ranges_are_refused(source: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        list(expand_braces(source))
    assert caught.value.reason == "SOURCE_RANGE"
