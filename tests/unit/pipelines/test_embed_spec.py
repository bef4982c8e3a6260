import pytest

from pipelines.embed_spec import embed_spec, named_pool
from poolscore.errors import InvalidInputError


def test_a_spec_holds_what_was_asked() -> None:
    assert embed_spec(("a", "b"), False) == {"sources": ["a", "b"]}
    assert embed_spec(["a"], True) == {"sources": ["a"], "prune": True}


def test_a_pool_is_named_alone() -> None:
    assert named_pool(["pools/other"]) == "other"
    assert named_pool(["/pools/a", "b"]) is None
    with pytest.raises(InvalidInputError, match="pools/other") as caught:
        named_pool(["a", "pools/other"])
    assert caught.value.reason == "SOURCE_NOT_ALONE"


@pytest.mark.parametrize("source", ["pools/", "pools/other/", "pools/other/photos"])
def test_what_is_no_name_of_a_pool(source: str) -> None:
    with pytest.raises(InvalidInputError, match=source) as caught:
        named_pool([source])
    assert caught.value.reason == "INVALID_NAME"
