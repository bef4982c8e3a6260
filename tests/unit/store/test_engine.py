import pytest

from poolscore.errors import InvalidInputError
from poolscore.store.catalog import Catalog


@pytest.mark.parametrize(
    "url", ["foo", "nodatabase://host/name", "postgresql+nodriver://host/name"]
)
def test_a_url_that_names_no_database_is_one_error(url: str) -> None:
    with pytest.raises(InvalidInputError, match="POOLSCORE_CATALOG") as caught:
        Catalog.open(url)
    assert caught.value.reason == "CATALOG_URL_INVALID"
