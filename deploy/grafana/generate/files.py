"""The files that Grafana reads."""

from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.generate.api import api
from deploy.grafana.generate.loop import loop
from deploy.grafana.generate.runs import runs

FOLDER = Path(__file__).parents[1] / "dashboards"


def files() -> Mapping[Path, str]:
    """Every dashboard as JSON, by its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    made = {"runs": runs(), "loop": loop(), "api": api()}
    return {
        FOLDER / f"{name}.json": f"{encoder.encode(each.build())}\n" for name, each in made.items()
    }
