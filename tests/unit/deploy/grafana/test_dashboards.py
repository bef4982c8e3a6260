import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.generate.files import FOLDER, files
from deploy.grafana.generate.panels import HEIGHT
from services.exporter.metrics import EXPORTER_METRICS

FILES = sorted(FOLDER.iterdir())
DEPLOY = FOLDER.parents[1]


def panels(file: Path) -> Iterator[dict[str, Any]]:
    """Without the headings of rows."""
    for panel in json.loads(file.read_text())["panels"]:
        if panel["type"] != "row":
            yield panel


def test_the_files_are_what_their_source_gives() -> None:
    assert {path: path.read_text() for path in FILES} == files(), "run `make dashboards`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafana_reads_every_field(file: Path) -> None:
    written = json.loads(file.read_text())
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(written)))
    assert read == written, "what Grafana's schema does not know is lost on the way"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_say_what_they_show_and_do_not_overlap(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(file):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert all(target["expr"] and target["legendFormat"] for target in panel["targets"])
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert place["h"] in (HEIGHT, HEIGHT // 2)
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in json.loads(file.read_text())["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_chosen_pools_hold_wherever_a_pool_is_known(file: Path) -> None:
    variables = json.loads(file.read_text())["templating"]["list"]
    assert [each["name"] for each in variables] == ["datasource", "pool"]
    of_pools = {metric.name for metric in EXPORTER_METRICS if "pool" in metric.labels}
    for panel in panels(file):
        for target in panel["targets"]:
            for name, chosen in re.findall(
                r"([\w:]*poolscore_\w[\w:]*)(\{[^}]*\})?", target["expr"]
            ):
                has_pool = name in of_pools or name.startswith(("pool:", "pool_kind:"))
                assert has_pool == ('pool=~"$pool"' in chosen), (panel["title"], name)


def test_grafana_is_told_where_its_files_are() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/poolscore.yml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
