from pathlib import Path

import pytest

from services.demo.options import Options, prepare

OPTIONS = Options(
    data=None,
    rounds=4,
    labels_per_round=0,
    strategy="dual_prompt",
    pool_size=100,
    test_size=32,
    seed=0,
)
OTHER = OPTIONS.model_copy(update={"seed": 1})


def begun(out: Path) -> None:
    """What a demo leaves when it is killed."""
    for name in ("state/catalog.db", "data/labels.csv"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("kept")


def finish(out: Path) -> None:
    (out / "report.html").write_text("old")
    (out / "summary.json").write_text("{}")


def kept(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()} - {"demo.json"}


def test_a_killed_demo_goes_on(tmp_path: Path):
    assert prepare(tmp_path, OPTIONS) == "new"
    begun(tmp_path)
    assert prepare(tmp_path, OPTIONS) == "resumed"
    assert kept(tmp_path) == {"state", "data"}


def test_a_finished_demo_starts_again_on_the_same_photographs(tmp_path: Path):
    prepare(tmp_path, OPTIONS)
    begun(tmp_path)
    finish(tmp_path)
    assert prepare(tmp_path, OPTIONS) == "again"
    assert kept(tmp_path) == {"data"}
    assert prepare(tmp_path, OPTIONS) == "resumed"


@pytest.mark.parametrize("finished", [True, False])
def test_other_options_drop_everything_of_the_old_demo(tmp_path: Path, finished: bool):
    prepare(tmp_path, OPTIONS)
    begun(tmp_path)
    if finished:
        finish(tmp_path)
    prepare(tmp_path, OTHER)
    assert kept(tmp_path) == set()
    assert prepare(tmp_path, OTHER) == "resumed"


def test_a_note_cut_short_counts_as_another_demo(tmp_path: Path):
    prepare(tmp_path, OPTIONS)
    begun(tmp_path)
    note = tmp_path / "demo.json"
    note.write_text(note.read_text()[:20])
    assert prepare(tmp_path, OPTIONS) == "new"
    assert kept(tmp_path) == set()
