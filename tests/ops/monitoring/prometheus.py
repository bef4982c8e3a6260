"""A Prometheus of the test's own, from the Debian package `prometheus`."""

import json
import math
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import yaml

DEPLOY = Path(__file__).parents[3] / "deploy"
INTERVAL = "1s"


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def has_data(self, expression: str, start: float, end: float) -> bool:
        """Whether the expression gives any number between two times, in Unix seconds."""
        query = {"query": expression, "start": start, "end": end, "step": INTERVAL}
        with urlopen(f"{self.url}/api/v1/query_range?{urlencode(query)}", timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
        return any(
            not math.isnan(float(value)) for series in found for _, value in series["values"]
        )


def write_configuration(folder: Path, pages: dict[str, str]) -> Path:
    """The configuration that users have, with the pages of each job and a quick pace."""
    written = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    written["global"] = {
        "scrape_interval": INTERVAL,
        "scrape_timeout": INTERVAL,
        "evaluation_interval": INTERVAL,
    }
    written["rule_files"] = [str(DEPLOY / "prometheus" / each) for each in written["rule_files"]]
    for job in written["scrape_configs"]:
        page = urlsplit(pages[job["job_name"]])
        assert page.path == "/metrics"
        job["static_configs"] = [{"targets": [page.netloc]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(written))
    return path


@contextmanager
def running_prometheus(folder: Path, pages: dict[str, str]) -> Generator[Prometheus]:
    """Start it with its state in a folder, and stop it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={write_configuration(folder, pages)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    log = folder / "prometheus.log"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if "ready to receive web requests" in line:
                break
        else:
            raise AssertionError("Prometheus ended: " + "".join(said))
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        log.write_text(process.communicate(timeout=30)[1])
