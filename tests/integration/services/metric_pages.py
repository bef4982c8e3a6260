"""Pages for Prometheus, read as Prometheus does."""

import threading
from collections.abc import Mapping
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families


def scrape(url: str) -> dict[str, float]:
    """Values by metric and labels, but those that Ray adds, summed over these."""
    found: dict[str, float] = {}
    with urlopen(url, timeout=30) as response:
        page = response.read().decode()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = {k: v for k, v in sorted(sample.labels.items()) if _ours(k)}
            key = f"{sample.name}{labels or ''}".replace("'", "").replace(": ", "=")
            found[key] = found.get(key, 0.0) + sample.value
    return found


def _ours(label: str) -> bool:
    return label.islower() and not label.startswith("otel_") and label != "pid"


def reported(
    url: str, least: Mapping[str, float], before: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The page once its values have grown by at least these; Ray reports every second.

    More, where something of an earlier test was reported only now.
    """
    grown: dict[str, float] = {}
    for _ in range(100):
        page = scrape(url)
        grown = {key: page.get(key, 0) - (before or {}).get(key, 0) for key in least}
        if all(grown[key] >= count for key, count in least.items()):
            return page
        threading.Event().wait(0.2)
    raise AssertionError(grown)
