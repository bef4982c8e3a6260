"""Files of the store that the catalog names: there, and as they were registered."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from pyarrow import fs
from sqlalchemy import Connection, select

from poolscore.errors import PoolscoreError
from poolscore.integrity.finding import Finding, Rule
from poolscore.store import files
from poolscore.store.arrow import compute as pc
from poolscore.store.manifest import Manifest, load_manifest
from poolscore.store.ranking_file import read_ranking
from poolscore.store.records import NeighbourGraph, Ranking, Snapshot
from poolscore.store.shards import read_shard
from poolscore.store.tables import neighbour_graphs, prompt_versions, rankings, snapshots
from poolscore.store.verify import verify_snapshot

Store = tuple[fs.FileSystem, str]

_RESTORE = "restore it from a copy of the store"
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Artefact:
    """A prompt version's file."""

    name: str
    uri: str
    sha256: str


Registered = Snapshot | Artefact | Ranking | NeighbourGraph
"""What the catalog says of a file."""


def registered_files(connection: Connection) -> list[Registered]:
    """What the catalog names, of one moment."""
    version = prompt_versions.c
    named = select(version.pool_id, version.number, version.uri, version.digest)
    found: list[Registered] = [
        Artefact(f"pools/{pool}/promptVersions/{number}", uri, digest)
        for pool, number, uri, digest in connection.execute(
            named.order_by(version.pool_id, version.number)
        )
    ]
    for table, record in (
        (snapshots, Snapshot),
        (rankings, Ranking),
        (neighbour_graphs, NeighbourGraph),
    ):
        rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
        found += [record(**row) for row in rows]
    return found


class FileChecks:
    """Looks at the files that a catalog names, at each shard once."""

    def __init__(self, store: Store, *, quick: bool) -> None:
        """`quick`: whether they are there, and what is in manifests and prompt artefacts."""
        self._store, self._quick = store, quick
        self._shards: set[str] = set()

    def check(self, registered: Registered) -> Iterator[Finding]:
        """What is wrong with a file, and with the shards of a snapshot."""
        try:
            match registered:
                case Snapshot():
                    yield from self._snapshot(registered)
                case Artefact():
                    yield from _content(
                        self._store, registered.name, registered.uri, registered.sha256
                    )
                case Ranking():
                    yield from self._ranking(registered)
                case NeighbourGraph():
                    digest = None if self._quick else registered.sha256
                    yield from _content(self._store, _name(registered), registered.uri, digest)
        except PoolscoreError as error:
            rule = Rule.SNAPSHOT if isinstance(registered, Snapshot) else Rule.PROVENANCE
            yield Finding(rule, _name(registered), error.message, _RESTORE)

    def _snapshot(self, snapshot: Snapshot) -> Iterator[Finding]:
        manifest = load_manifest(*self._store, snapshot.manifest_uri, snapshot.manifest_sha256)
        said = (manifest.embedded, manifest.rejected, manifest.encoder_digest, manifest.pool)
        known = (snapshot.embedded, snapshot.rejected, snapshot.encoder_digest, snapshot.pool_id)
        if said != known:
            what = f"its manifest says {said}, the catalog {known}"
            yield Finding(Rule.SNAPSHOT, snapshot.name, what, _RESTORE)
        missing = _missing(self._store, [shard.path for shard in manifest.shards])
        for path in missing:
            what = f"its shard '{path}' is missing"
            yield Finding(Rule.SNAPSHOT, snapshot.name, what, _RESTORE)
        self._shards.update(missing)
        if self._quick:
            return
        if not missing:
            verify_snapshot(*self._store, manifest)
        yield from self._embeddings(snapshot, manifest)

    def _embeddings(self, snapshot: Snapshot, manifest: Manifest) -> Iterator[Finding]:
        filesystem, root = self._store
        for path in (shard.path for shard in manifest.shards):
            if path in self._shards:
                continue
            self._shards.add(path)
            embeddings_ND = read_shard(filesystem, files.absolute(root, path)).embeddings_ND
            what = f"its shard '{path}' has embeddings that "
            if embeddings_ND.shape[1] != manifest.dim:
                what += f"are {embeddings_ND.shape[1]} wide, and not {manifest.dim}"
            elif not np.isfinite(embeddings_ND).all():
                what += "are not finite"
            else:
                continue
            yield Finding(Rule.SNAPSHOT, snapshot.name, what, _RESTORE)

    def _ranking(self, ranking: Ranking) -> Iterator[Finding]:
        missing = [*_content(self._store, ranking.name, ranking.uri, None)]
        yield from missing
        if missing or self._quick:
            return
        loaded = read_ranking(*self._store, ranking)
        if len(loaded) != ranking.size:
            what = f"it has {len(loaded):,} items, the catalog says {ranking.size:,}"
            yield Finding(Rule.PROVENANCE, ranking.name, what, _RESTORE)
        if pc.count_distinct(loaded.table.column("id")).as_py() != len(loaded):
            yield Finding(Rule.PROVENANCE, ranking.name, "an item has two places in it", _RESTORE)


def _name(registered: Registered) -> str:
    if isinstance(registered, NeighbourGraph):
        return f"pools/{registered.pool_id}/snapshots/{registered.snapshot}"
    return registered.name


def _content(store: Store, name: str, uri: str, digest: str | None) -> Iterator[Finding]:
    """Whether a file is there and, given its sha256, as it was."""
    if _missing(store, [uri]):
        yield Finding(Rule.PROVENANCE, name, f"its file '{uri}' is missing", _RESTORE)
    elif digest is not None and _sha256(store, uri) != digest:
        what = f"its file '{uri}' was changed: its sha256 is not {digest}"
        yield Finding(Rule.PROVENANCE, name, what, _RESTORE)


def _missing(store: Store, uris: list[str]) -> list[str]:
    found = store[0].get_file_info([files.absolute(store[1], uri) for uri in uris])
    return [uri for uri, info in zip(uris, found, strict=True) if info.type != fs.FileType.File]


def _sha256(store: Store, uri: str) -> str:
    digest = sha256()
    with store[0].open_input_stream(files.absolute(store[1], uri)) as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()
