import pytest

from poolscore.errors import InvalidInputError
from services.api import names


def test_names_come_back_as_they_were_written():
    assert names.parse_pool("pools/p") == "p"
    assert names.parse_numbered(names.child_name("p", names.RUNS, 7), names.RUNS) == ("p", 7)


def test_no_child_is_an_empty_name():
    assert names.child_name("p", names.RANKINGS, None) == ""
    assert names.child_name("p", names.PROMPT_VERSIONS, 0) == "pools/p/promptVersions/0"


def test_item_ids_may_hold_slashes():
    name = names.child_name("p", names.ITEMS, "train/dogs/1.jpg")
    assert names.parse_child(name, names.ITEMS) == ("p", "train/dogs/1.jpg")


@pytest.mark.parametrize("name", ["", "p", "pools/", "pools/p/runs/1", "pool/p", "/pools/p"])
def test_bad_pool_names(name: str):
    with pytest.raises(InvalidInputError, match="parent") as caught:
        names.parse_pool(name, "parent")
    assert caught.value.reason == "INVALID_NAME"
    assert caught.value.metadata == {"field": "parent"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "pools/p",
        "pools/p/runs",
        "pools/p/runs/",
        "pools//runs/1",
        "pools/p/runs/1/2",
        "pools/p/runs/-1",
        "pools/p/runs/x",
        "pools/p/runs/1٣",
        "pools/p/runs/" + "9" * 30,
        "pools/p/batches/1",
    ],
)
def test_bad_run_names(name: str):
    with pytest.raises(InvalidInputError) as caught:
        names.parse_numbered(name, names.RUNS)
    assert caught.value.reason == "INVALID_NAME"


def test_another_pools_name():
    with pytest.raises(InvalidInputError, match="'q'") as caught:
        names.check_same_pool("q", "p", "batch")
    assert caught.value.reason == "WRONG_POOL"
