"""The whole loop in processes of its own: killed while it embeds, started again, looked at."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from poolscore.evaluation.labeled_folder import read_labeled_folder
from poolscore.labels.answer import Label
from poolscore.store import files
from poolscore.store.catalog import Catalog
from poolscore.store.label_events import list_label_events
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import get_prompt_version
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.records import LabelEvent
from poolscore.store.runs import list_runs
from poolscore.store.shards import read_table
from poolscore.store.snapshots import get_snapshot
from services.demo.dataset import Dataset
from services.demo.loop import CONTROL, POOL
from tests.e2e.start_demo import OPTIONS

pytestmark = pytest.mark.timeout(1200)

INPUTS = OPTIONS.pool_size + 10
"""Crops, five files in unusual forms and five broken ones."""
BUDGET = OPTIONS.rounds * OPTIONS.labels_per_round
_DEADLINE_S = 900


@dataclass(frozen=True)
class Finished:
    """What a demo left that was killed once."""

    out: Path
    done_at_kill: int
    shards_at_kill: dict[str, bytes]
    output: str

    @property
    def catalog(self) -> Catalog:
        return Catalog.open(f"sqlite:///{self.out / 'state' / 'catalog.db'}")

    @property
    def store(self) -> Path:
        return self.out / "state" / "store"

    @property
    def summary(self) -> Any:
        return json.loads((self.out / "summary.json").read_text())

    def manifest(self, pool: str) -> Manifest:
        catalog = self.catalog
        snapshot = get_snapshot(catalog, pool, get_pool(catalog, pool).active_snapshot or 0)
        filesystem, root = files.open_store(str(self.store))
        return load_manifest(filesystem, root, snapshot.manifest_uri, snapshot.manifest_sha256)

    def events(self, pool: str) -> Sequence[LabelEvent]:
        events, token = list_label_events(self.catalog, pool, 1000)
        assert not token
        return events


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "tests.e2e.start_demo", str(out)]


def kill_while_embedding(root: Path, out: Path) -> int:
    """Start a demo and kill it at the first sign of a committed shard; returns what was done."""
    with subprocess.Popen(command(out), cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            match = re.match(r"embedded (\d+) of (\d+)", line)
            if match and int(match[1]) > 0:
                process.kill()
                assert int(match[1]) < int(match[2]), "it was done before it could be killed"
                return int(match[1])
    raise AssertionError("the demo ended before it had embedded anything")


@pytest.fixture(scope="module")
def demo(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    out = tmp_path_factory.mktemp("demo") / "out"
    done = kill_while_embedding(pytestconfig.rootpath, out)
    assert not (out / "summary.json").exists()
    checkpoint = next((out / "state" / "store").rglob("checkpoint"))
    committed = {
        path.stem
        for path in checkpoint.glob("*.parquet")
        if not path.name.endswith(".pending.parquet")
    }
    shards = {
        path.name: path.read_bytes()
        for path in (checkpoint.parent / "shards").iterdir()
        if path.stem.rpartition("-")[0] in committed
    }
    again = subprocess.run(
        command(out),
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )
    assert again.returncode == 0, again.stderr[-4000:]
    return Finished(out, done, shards, again.stdout)


def test_it_goes_on_where_it_was_killed(demo: Finished):
    assert "Going on with the demo" in demo.output
    assert demo.done_at_kill > 0
    assert demo.summary["resumed"] >= demo.done_at_kill
    assert f"{demo.summary['resumed']:,} of them before the interruption" in demo.output
    catalog = demo.catalog
    embeds = [run for run in list_runs(catalog, POOL)[0] if run.spec.get("sources")]
    assert [run.attempts for run in embeds] == [2]


def test_every_input_is_there_once_and_nothing_committed_was_made_again(demo: Finished):
    manifest = demo.manifest(POOL)
    filesystem, root = files.open_store(str(demo.store))
    ids: list[str] = []
    for shard in manifest.shards:
        table = read_table(filesystem, files.absolute(root, shard.path), ["id"])
        ids += table.column("id").to_pylist()
    assert len(ids) == len(set(ids)) == INPUTS
    final = {Path(shard.path).name: shard.path for shard in manifest.shards}
    assert demo.shards_at_kill
    for name, content in demo.shards_at_kill.items():
        assert (demo.store / final[name]).read_bytes() == content


def test_the_control_shares_the_embeddings(demo: Finished):
    ours, control = demo.manifest(POOL), demo.manifest(CONTROL)
    assert control.shards == ours.shards
    assert get_pool(demo.catalog, CONTROL).strategy == "random"


@pytest.mark.parametrize("pool", [POOL, CONTROL])
def test_the_answers_are_the_truth_and_keep_the_prediction_made_before(demo: Finished, pool: str):
    events = demo.events(pool)
    assert len({event.item_id for event in events}) == len(events) == BUDGET
    truth = Dataset(read_labeled_folder(demo.out / "data", OPTIONS.seed)).pool
    filesystem, root = files.open_store(str(demo.store))
    uri_of: dict[str, str] = {}
    for shard in demo.manifest(pool).shards:
        table = read_table(filesystem, files.absolute(root, shard.path), ["id", "uri"])
        uri_of |= dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
    for event in events:
        assert event.answer == Label(truth[uri_of[event.item_id]])
        assert event.prediction is not None
        assert event.prompt_version == (event.sequence - 1) // OPTIONS.labels_per_round


@pytest.mark.parametrize("pool", [POOL, CONTROL])
def test_every_round_made_a_version_and_the_last_one_is_active(demo: Finished, pool: str):
    catalog = demo.catalog
    record = get_pool(catalog, pool)
    assert record.active_prompt_version == OPTIONS.rounds
    versions = [get_prompt_version(catalog, pool, n) for n in range(OPTIONS.rounds + 1)]
    assert [version.label_count for version in versions] == [0, 16, 32]
    assert [version.parent for version in versions] == [None, 0, 1]
    assert len({version.digest for version in versions}) == len(versions)
    ranking = get_ranking(catalog, pool, record.active_ranking or 0)
    assert ranking.prompt_version == OPTIONS.rounds
    filesystem, root = files.open_store(str(demo.store))
    rows = read_ranking(filesystem, root, ranking)
    assert len(rows) == INPUTS - 5 - BUDGET
    answered = {event.item_id for event in demo.events(pool)}
    assert answered.isdisjoint(rows.ids(0, len(rows)))


def test_the_summary_adds_up(demo: Finished):
    summary = demo.summary
    assert summary["pool_size"] == INPUTS
    assert summary["embedded"] == INPUTS - 5
    assert summary["rejects"] == {
        "BAD_ASPECT": 1,
        "DECOMPRESSION_BOMB": 1,
        "EMPTY": 1,
        "NOT_AN_IMAGE": 1,
        "TRUNCATED": 1,
    }
    assert [each["labels"] for each in summary["rounds"]] == [16, 32]
    assert summary["final_accuracy"] == summary["rounds"][-1]["accuracy"]
    assert summary["random_final_accuracy"] == summary["rounds"][-1]["accuracy_random"]
    # 32 labels for 16 classes: any learner that works is far above zero-shot.
    assert summary["final_accuracy"] > summary["zero_shot_accuracy"]


def test_the_report_is_one_file_that_needs_no_network(demo: Finished):
    report = (demo.out / "report.html").read_text()
    assert report.count("<svg") >= 3
    assert report.count("data:image/") >= 20
    links = re.findall(r"(?:src|href)=[\"']([^\"'#]+)|url\(([^)]+)\)", report)
    outside = [link for pair in links for link in pair if link and not link.startswith("data:")]
    assert outside == []
