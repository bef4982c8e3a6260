"""Where an embedding run keeps what it needs until it has committed.

A run has the folder `runs/{key}` of its pool and the manifest `snapshots/run-{key}.json`. The key
is the run's number, or `{number}-2`, `{number}-3`, ... when that one is another's: a catalog that
was restored from a backup gives out numbers again whose files are still in the store.

{run}/run.json                written first, never changed: whose folder it is
{run}/inputs/part-*.parquet   the frozen plan: ids, URIs, sources and stamps
{run}/dropped.parquet         ids of the snapshot before that are replaced or pruned
{run}/plan.json               written last; there is no plan without it
{run}/shards/*.parquet        rows; `listing.parquet` holds what was refused while listing
{run}/kept/*.parquet          shards of the snapshot before, without the dropped rows
{run}/checkpoint/*.parquet    Ray Data's record of the shards that are committed
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from itertools import count

from pyarrow import fs

from poolscore.errors import AlreadyExistsError
from poolscore.store import files
from poolscore.store.records import Run

Store = tuple[fs.FileSystem, str]
"""File system and root, as `poolscore.store.files.open_store` returns them."""

PENDING = ".pending.parquet"
"""Ending of Ray Data's record of a shard that may be half written."""
LISTING_SHARD = "listing.parquet"
OWNER = "run.json"
"""File that says whose the folder of a run is."""


@dataclass(frozen=True)
class RunPlaces:
    """The folders of one run."""

    filesystem: fs.FileSystem
    folder: str

    @classmethod
    def of(cls, store: Store, pool_id: str, key: str | int) -> "RunPlaces":
        """Places with this key in a store, whosesoever they are."""
        filesystem, root = store
        return cls(filesystem, files.run_dir(root, pool_id, key))

    @classmethod
    def claim(cls, store: Store, run: Run) -> "RunPlaces":
        """The places of a run, the same at every attempt; nothing of it is written before.

        They are the first ones that are its own or nobody's.
        """
        filesystem, root = store
        owner = _owner(run)
        for key in _keys(run.number):
            places = cls.of(store, run.pool_id, key)
            # What else there is must be looked at before the owner: another attempt of this run
            # may be a moment ahead, and writes the owner first.
            manifest = filesystem.get_file_info(files.manifest_path(root, run.pool_id, key))
            used = manifest.type != fs.FileType.NotFound or places._is_used()
            if places._claim(owner, used):
                return places
        raise AssertionError("there is always another key")

    @property
    def key(self) -> str:
        """What the files of the run are named by."""
        return self.folder.rpartition("/")[2]

    @property
    def inputs(self) -> str:
        """Folder of the frozen plan."""
        return f"{self.folder}/inputs"

    @property
    def plan(self) -> str:
        """File that says that the plan is complete."""
        return f"{self.folder}/plan.json"

    @property
    def shards(self) -> str:
        """Folder of the rows."""
        return f"{self.folder}/shards"

    @property
    def dropped(self) -> str:
        """File with the ids of rows that the next snapshot does not share."""
        return f"{self.folder}/dropped.parquet"

    @property
    def kept(self) -> str:
        """Folder of the shards that were rewritten without these rows."""
        return f"{self.folder}/kept"

    @property
    def checkpoint(self) -> str:
        """Folder of Ray Data's checkpoint."""
        return f"{self.folder}/checkpoint"

    def committed(self) -> list[str]:
        """Names, without ending, under which Ray Data has committed shards, sorted."""
        return sorted(
            name.removesuffix(".parquet")
            for name in self._names(self.checkpoint)
            if name.endswith(".parquet") and not name.endswith(PENDING)
        )

    def shards_of(self, committed: list[str]) -> list[str]:
        """Paths of the shards behind these names; a file of an interrupted write is not one."""
        wanted = set(committed)
        # Ray Data numbers the files of one commit: {name}-{i}.parquet
        kept = [name for name in self._names(self.shards) if name.rpartition("-")[0] in wanted]
        return [f"{self.shards}/{name}" for name in sorted(kept)]

    def clear(self) -> None:
        """Remove everything, the plan first: without it nothing else counts."""
        self._remove(self.plan, self.dropped, self.inputs, self.checkpoint, self.shards, self.kept)

    def remove_working_files(self) -> None:
        """Remove plan and checkpoint of a run that has embedded what there was to embed."""
        self._remove(self.plan, self.dropped, self.inputs, self.checkpoint)

    def _is_used(self) -> bool:
        """Whether there is more than what a killed claim may leave, see `files.write_once`."""
        return any(not name.startswith(".") for name in self._names(self.folder))

    def _names(self, folder: str) -> list[str]:
        """Names of what is in a folder; of one that is not there, none.

        `allow_not_found` would raise for a folder that another process makes meanwhile: Arrow
        looks again whether it is there, after it could not be opened.
        """
        try:
            found = self.filesystem.get_file_info(fs.FileSelector(folder))
        except FileNotFoundError:
            return []
        return [info.base_name for info in found]

    def _claim(self, owner: bytes, used: bool) -> bool:
        """Whether the folder is this owner's, or is now, as it was nobody's.

        One that is used and has no owner is of a version that wrote none: somebody's.
        """
        path = f"{self.folder}/{OWNER}"
        if not self.filesystem.get_file_info(path).is_file:
            if used:
                return False
            try:
                files.write_once(self.filesystem, path, owner)
            except AlreadyExistsError:
                return False
        return files.read_bytes(self.filesystem, path) == owner

    def _remove(self, *paths: str) -> None:
        for path in paths:
            kind = self.filesystem.get_file_info(path).type
            if kind == fs.FileType.Directory:
                self.filesystem.delete_dir(path)
            elif kind == fs.FileType.File:
                self.filesystem.delete_file(path)


def _keys(number: int) -> Iterator[str]:
    yield str(number)
    yield from (f"{number}-{other}" for other in count(2))


def _owner(run: Run) -> bytes:
    """What tells a run from every other one with its number, the same in every catalog."""
    created = run.create_time.astimezone(UTC).isoformat(timespec="microseconds")
    told = {"create_time": created, "spec": dict(run.spec)}
    return json.dumps(told, indent=1, sort_keys=True).encode()
