import pytest

from poolscore.errors import NotFoundError
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import (
    add_prompt_version,
    get_prompt_version,
    list_prompt_versions,
)
from tests.store_world import POOL, add_pool


def test_versions_are_numbered_from_zero_and_keep_their_lineage(catalog: Catalog) -> None:
    add_pool(catalog)
    zero = add_prompt_version(catalog, POOL, "a", "a.safetensors", 0, 0, None, {})
    one = add_prompt_version(catalog, POOL, "b", "b.safetensors", 7, 5, 0, {"loss": 0.25})
    assert (zero.number, one.number, one.parent) == (0, 1, 0)
    assert get_prompt_version(catalog, POOL, 1) == one
    assert one.metrics == {"loss": 0.25}
    assert list_prompt_versions(catalog, POOL) == ([one, zero], "")
    newest, token = list_prompt_versions(catalog, POOL, 1)
    assert (newest, list_prompt_versions(catalog, POOL, 1, token)) == ([one], ([zero], ""))


def test_a_repeated_registration_gives_the_same_version(catalog: Catalog) -> None:
    add_pool(catalog)
    zero = add_prompt_version(catalog, POOL, "a", "a", 0, 0, None, {})
    assert add_prompt_version(catalog, POOL, "a", "a", 0, 0, None, {}) == zero
    later = add_prompt_version(catalog, POOL, "a", "a", 3, 0, None, {})
    child = add_prompt_version(catalog, POOL, "a", "a", 3, 0, 0, {})
    assert (later.number, child.number) == (1, 2)


def test_a_missing_version_or_parent_is_named(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(NotFoundError) as caught:
        get_prompt_version(catalog, POOL, 0)
    assert caught.value.reason == "PROMPT_VERSION_NOT_FOUND"
    with pytest.raises(NotFoundError):
        add_prompt_version(catalog, POOL, "a", "a", 0, 0, 3, {})
