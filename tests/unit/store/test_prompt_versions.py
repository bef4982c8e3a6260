import pytest

from poolscore.errors import AbortedError, FailedPreconditionError, NotFoundError
from poolscore.store.catalog import Catalog
from poolscore.store.prompt_versions import (
    add_prompt_version,
    check_classes,
    get_prompt_version,
    list_prompt_versions,
    zero_shot_version,
)
from poolscore.store.records import Promotion, RunKind
from poolscore.store.run_queue import begin_run, claim_run
from tests.store_world import CLASSES, POOL, add_pool


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


def test_a_run_keeps_the_version_that_it_made(catalog: Catalog) -> None:
    add_pool(catalog)
    add_prompt_version(catalog, POOL, "a", "a", 0, 0, None, {})
    run = begin_run(catalog, POOL, RunKind.TRAIN, {}, "killed")
    made = add_prompt_version(catalog, POOL, "b", "b", 3, 3, 0, {}, run=run)
    again = claim_run(catalog, [RunKind.TRAIN], "killed")
    assert again is not None
    assert (again.attempts, again.prompt_version) == (2, made.number)
    # What is left of the first attempt registers nothing any more.
    with pytest.raises(AbortedError) as caught:
        add_prompt_version(catalog, POOL, "c", "c", 3, 3, 1, {}, run=run)
    assert caught.value.reason == "RUN_LOST"
    assert list_prompt_versions(catalog, POOL)[0][0] == made
    assert add_prompt_version(catalog, POOL, "b", "b", 3, 3, 0, {}, run=again) == made


def test_zero_shot_versions_are_found_by_their_classes(catalog: Catalog) -> None:
    add_pool(catalog)
    assert zero_shot_version(catalog, POOL, CLASSES) is None
    zero = add_prompt_version(catalog, POOL, "a", "a", 0, 0, None, {})
    add_prompt_version(catalog, POOL, "b", "b", 3, 3, 0, {})
    two = add_prompt_version(catalog, POOL, "c", "c", 0, 0, None, {}, ["x", "y"])
    assert zero_shot_version(catalog, POOL, CLASSES) == zero
    assert zero_shot_version(catalog, POOL, ("x", "y")) == two
    assert zero_shot_version(catalog, POOL, ("y", "x")) is None
    check_classes(zero, CLASSES)
    with pytest.raises(FailedPreconditionError) as caught:
        check_classes(two, CLASSES)
    assert caught.value.reason == "CLASSES_DIFFER"


def test_a_missing_version_or_parent_is_named(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(NotFoundError) as caught:
        get_prompt_version(catalog, POOL, 0)
    assert caught.value.reason == "PROMPT_VERSION_NOT_FOUND"
    with pytest.raises(NotFoundError):
        add_prompt_version(catalog, POOL, "a", "a", 0, 0, 3, {})


def test_a_version_keeps_what_its_promotion_was_decided_by(catalog: Catalog) -> None:
    add_pool(catalog)
    zero = add_prompt_version(catalog, POOL, "a", "a", 0, 0, None, {})
    refused = Promotion(False, "refused: worse", 0, 40, 0.5, 0.75, 0.25, 0.125, 0.01)
    one = add_prompt_version(catalog, POOL, "b", "b", 7, 5, 0, {}, promotion=refused)
    unjudged = Promotion(True, "too few labels", 0)
    two = add_prompt_version(catalog, POOL, "c", "c", 9, 7, 0, {}, promotion=unjudged)
    assert [each.promotion for each in (zero, one, two)] == [None, refused, unjudged]
    assert get_prompt_version(catalog, POOL, 1) == one
    assert list_prompt_versions(catalog, POOL)[0] == [two, one, zero]
    again = add_prompt_version(catalog, POOL, "b", "b", 7, 5, 0, {}, promotion=unjudged)
    assert again == one
