from pipelines.headline import headline, unchanged
from poolscore.store.records import RunProgress


def test_nothing_new_is_all_only_when_nothing_is_missing() -> None:
    said = headline(RunProgress(known=5), changed=False, prune=False)
    assert said == "Nothing new: the pool holds all 5 inputs already."
    said = headline(RunProgress(known=5, missing=1), changed=False, prune=False)
    assert said == "Nothing new: the pool holds the 5 inputs that are still there."


def test_a_run_that_only_drops_says_so() -> None:
    said = headline(RunProgress(known=5, missing=2), changed=True, prune=True)
    assert said == "Dropped 2 images, embedded none; 5 were in the pool already."


def test_what_was_embedded_is_without_rejects() -> None:
    progress = RunProgress(total=9, done=9, rejects={"EMPTY": 2}, resumed=4, known=1, missing=1)
    said = headline(progress, changed=True, prune=True)
    assert said == (
        "Embedded [bold]7[/bold] images (4 before this run was resumed); "
        "1 were in the pool already."
    )


def test_what_was_read_again_for_nothing() -> None:
    assert unchanged(RunProgress(total=9, done=9, new=4, changed=2)) == 3
    assert unchanged(RunProgress(known=5)) == 0
