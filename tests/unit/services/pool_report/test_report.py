"""`poolscore report` on a seeded pool, as a user runs it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import PoolscoreError
from poolscore.labels.answer import Abstain, Candidates, Label, LabelInput
from poolscore.store import files, pools, prompt_versions, rankings
from poolscore.store.catalog import Catalog
from poolscore.store.change_pool import PoolChange, update_pool
from poolscore.store.leases import lease_batch
from poolscore.store.ranking_file import read_ranking
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Promotion
from services.cli import register
from services.pool_report.collect import collect
from tests.seeding import add_version, item_ids, rank, seed_pool

POOL = "pets"
"""Of the classes cat, dog and owl, predicted in turn; 20 images and an empty file."""
ITEMS = item_ids(20)


@pytest.fixture
def store_uri(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def seeded(tmp_path: Path, store_uri: str, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    catalog = Catalog.open(f"sqlite:///{tmp_path / 'catalog.db'}")
    seed_pool(catalog, store_uri, POOL)
    monkeypatch.setenv("POOLSCORE_CATALOG", catalog.url)
    monkeypatch.setenv("POOLSCORE_STORE", store_uri)
    monkeypatch.chdir(tmp_path)
    return catalog


def lease(catalog: Catalog, store_uri: str, size: int) -> None:
    loaded = read_ranking(*files.open_store(store_uri), rankings.get_ranking(catalog, POOL, 1))
    lease_batch(catalog, POOL, size, "ann", timedelta(hours=1), None, loaded)


def say(catalog: Catalog, *labels: LabelInput) -> None:
    results = record_labels(catalog, POOL, labels, None, known_items=lambda ids: [True] * len(ids))
    assert all(result.accepted for result in results)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["report", *arguments])


def words(file: Path) -> str:
    """What a reader sees."""
    html = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", file.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_pool_that_is_embedded_and_nothing_more(seeded: Catalog) -> None:
    result = run(POOL)
    assert (result.exit_code, result.output) == (0, f"Wrote {POOL}.html\n")
    text = words(Path(f"{POOL}.html"))
    for shown in (
        "0 of 20 images are answered. Prompt version 0 is active and is zero-shot: untrained.",
        "too few labels to hold some out",
        "Open images 20 images · median 0.75",
        "EMPTY The file has no bytes 1",
        "0 spent, no limit",
        "0 images that version 0 asked for",
        "Nobody has answered yet.",
        "No two annotators differ on an image.",
        "place 0",
        "snapshot pools/pets/snapshots/1",
    ):
        assert shown in text
    # The seeded files are nowhere: a tile each all the same.
    assert text.count("no picture") == 20


def test_what_people_said_is_counted_and_judged(seeded: Catalog, store_uri: str) -> None:
    update_pool(seeded, POOL, PoolChange(budget=30))
    lease(seeded, store_uri, 6)
    say(
        seeded,
        LabelInput(ITEMS[0], Label("cat"), "ann", 1),
        LabelInput(ITEMS[1], Label("cat"), "ann", 1),
        LabelInput(ITEMS[2], Candidates(("cat", "owl")), "ann", 1),
        LabelInput(ITEMS[3], Abstain("dark"), "ann", 1),
        LabelInput(ITEMS[0], Label("owl"), "bob"),
        LabelInput(ITEMS[0], Label("cat"), "carl"),
    )
    found = collect(seeded, files.open_store(store_uri), POOL)
    (version,) = found.versions
    # Only the first two have one class as their answer, the newest one.
    assert version.judged.right.tolist() == [True, False]
    assert [(row.name, row.labels) for row in found.classes] == [("cat", 2), ("dog", 0), ("owl", 0)]
    assert [row.predicted for row in found.classes] == [7, 7, 6]
    assert {row.name: row.answers for row in found.annotators} == {"ann": 4, "bob": 1, "carl": 1}
    assert (found.abstained, found.untrained) == (1, 4)
    assert found.sheet[0].uri == "/images/item-0006.jpg"
    assert run(POOL, "--out", "page.html").exit_code == 0
    text = words(Path("page.html"))
    assert "4 answers came since" in text
    assert "6 of 30 spent, 22 left. 1 images could not be told." in text
    assert "item-0000 ann: cat, bob: owl, carl: cat" in text
    assert "0.6 to 0.8 2 50.0%" in text


def test_the_learning_curve_is_that_of_held_out_labels(seeded: Catalog, store_uri: str) -> None:
    promoted = Promotion(True, "better", 0, 20, 0.75, 0.5, 0.2, 0.3, 1.0)
    refused = Promotion(False, "worse by much", 1, 25, 0.4, 0.72, 0.2, 0.3, 0.01)
    for number, promotion in enumerate((promoted, refused), start=1):
        add = prompt_versions.add_prompt_version
        add(seeded, POOL, f"{number:064d}", "p", 9, 40 * number, number - 1, {}, None, promotion)
    ranking = rank(seeded, store_uri, POOL, 1, ITEMS)
    rankings.activate(seeded, POOL, 1, 1, ranking)
    rows = collect(seeded, files.open_store(store_uri), POOL).versions
    assert [(row.number, row.active) for row in rows] == [(0, False), (1, True), (2, False)]
    assert [(row.accuracy, row.held_out) for row in rows] == [(0.5, 20), (0.75, 20), (0.4, 25)]
    assert run(POOL).exit_code == 0
    text = words(Path(f"{POOL}.html"))
    assert "worse by much" in text
    assert "has learned from 40 labels" in text
    html = Path(f"{POOL}.html").read_text()
    # One that was refused is in force nowhere.
    assert 'version 0 50.0%, version 1 75.0%"' in html
    assert "75.0% version 1 , on 20 labels" in text


def test_a_name_cannot_put_markup_into_the_page(seeded: Catalog) -> None:
    update_pool(seeded, POOL, PoolChange(display_name="<script>alert(1)</script>"))
    say(seeded, LabelInput(ITEMS[0], Label("cat"), "<b>ann</b>"))
    assert run(POOL).exit_code == 0
    html = Path(f"{POOL}.html").read_text()
    assert "<script" not in html
    assert "<b>ann" not in html
    assert "&lt;b&gt;ann" in html


@pytest.mark.parametrize(
    ("name", "out", "said"),
    [
        ("gone", "page.html", "there is no pool 'gone'"),
        ("empty", "page.html", "run 'poolscore embed empty SOURCE' first"),
        (POOL, "store", "is a folder, not a file; name a file in a folder"),
        (POOL, "catalog.db/page.html", "name a file in a folder that may be written"),
    ],
)
def test_what_cannot_be_reported_is_named(seeded: Catalog, name: str, out: str, said: str) -> None:
    pools.create_pool(seeded, "empty", ("a", "b"), "", EncoderSpec(), "d" * 64, "random", 0)
    error = run(name, "--out", out).exception
    assert isinstance(error, PoolscoreError)
    assert said in error.message


def test_a_version_that_learned_nothing_new_is_counted_from(
    seeded: Catalog, store_uri: str
) -> None:
    say(seeded, LabelInput(ITEMS[0], Label("cat"), "ann"))
    add_version(seeded, store_uri, POOL, ITEMS[1:], watermark=1)
    say(seeded, LabelInput(ITEMS[1], Label("cat"), "ann"))
    found = collect(seeded, files.open_store(store_uri), POOL)
    assert (found.untrained, [row.active for row in found.versions]) == (1, [False, True])


def test_p_clean_is_judged_by_the_newest_version_that_people_have_answered(
    seeded: Catalog, store_uri: str
) -> None:
    lease(seeded, store_uri, 1)
    say(seeded, LabelInput(ITEMS[0], Label("cat"), "ann", 1))
    add_version(seeded, store_uri, POOL, ITEMS[1:], watermark=1)
    assert run(POOL).exit_code == 0
    assert "1 images that version 0 asked for" in words(Path(f"{POOL}.html"))
