"""Rejects of snapshots by reason: the catalog has their number, the manifest the reasons."""

import logging
from collections.abc import Iterable, Mapping

from poolscore.errors import PoolscoreError
from poolscore.store.files import open_store
from poolscore.store.manifest import load_manifest
from poolscore.store.pool_states import SnapshotCounts
from poolscore.store.read_each import read_each

UNKNOWN = "UNKNOWN"

_log = logging.getLogger(__name__)


class RejectReasons:
    """Reads the manifest of a snapshot once, when it has rejects: manifests never change."""

    def __init__(self, store_uri: str) -> None:
        """Read nothing yet, and open the store only to read."""
        self._store_uri = store_uri
        self._known: dict[str, Mapping[str, int]] = {}

    def of(self, snapshots: Iterable[SnapshotCounts]) -> dict[str, Mapping[str, int]]:
        """Rejects by reason of each snapshot, by the sha256 of its manifest.

        All of them are UNKNOWN where the manifest cannot be read; the next call tries again.
        """
        wanted = {each.manifest_sha256: each for each in snapshots if each.rejected}
        new = [each for sha256, each in wanted.items() if sha256 not in self._known]
        for each, reasons in zip(new, read_each(self._read, new), strict=True):
            if reasons is not None:
                self._known[each.manifest_sha256] = reasons
        self._known = {sha256: known for sha256, known in self._known.items() if sha256 in wanted}
        return {
            sha256: self._known.get(sha256, {UNKNOWN: each.rejected})
            for sha256, each in wanted.items()
        }

    def _read(self, snapshot: SnapshotCounts) -> Mapping[str, int] | None:
        try:
            store = open_store(self._store_uri)
            return load_manifest(*store, snapshot.manifest_uri, snapshot.manifest_sha256).rejects
        except (PoolscoreError, OSError) as error:
            _log.warning("the reasons of rejects are not known: %s", error)
            return None
