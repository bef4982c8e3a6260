"""Where an embedding run keeps what it needs until it has committed.

{run}/inputs/part-*.parquet   the frozen plan: ids, URIs, sources and stamps
{run}/dropped.parquet         ids of the snapshot before that are replaced or pruned
{run}/plan.json               written last; there is no plan without it
{run}/shards/*.parquet        rows; `listing.parquet` holds what was refused while listing
{run}/kept/*.parquet          shards of the snapshot before, without the dropped rows
{run}/checkpoint/*.parquet    Ray Data's record of the shards that are committed
"""

from dataclasses import dataclass

from pyarrow import fs

from poolscore.store import files

Store = tuple[fs.FileSystem, str]
"""File system and root, as `poolscore.store.files.open_store` returns them."""

PENDING = ".pending.parquet"
"""Ending of Ray Data's record of a shard that may be half written."""
LISTING_SHARD = "listing.parquet"


@dataclass(frozen=True)
class RunPlaces:
    """The folders of one run."""

    filesystem: fs.FileSystem
    folder: str

    @classmethod
    def of(cls, store: Store, pool_id: str, run: int) -> "RunPlaces":
        """Places of a run in a store."""
        filesystem, root = store
        return cls(filesystem, files.run_dir(root, pool_id, run))

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
        selector = fs.FileSelector(self.checkpoint, allow_not_found=True)
        names = [info.base_name for info in self.filesystem.get_file_info(selector)]
        return sorted(
            name.removesuffix(".parquet")
            for name in names
            if name.endswith(".parquet") and not name.endswith(PENDING)
        )

    def shards_of(self, committed: list[str]) -> list[str]:
        """Paths of the shards behind these names; a file of an interrupted write is not one."""
        wanted = set(committed)
        selector = fs.FileSelector(self.shards, allow_not_found=True)
        names = [info.base_name for info in self.filesystem.get_file_info(selector)]
        # Ray Data numbers the files of one commit: {name}-{i}.parquet
        kept = [name for name in names if name.rpartition("-")[0] in wanted]
        return [f"{self.shards}/{name}" for name in sorted(kept)]

    def clear(self) -> None:
        """Remove everything, the plan first: without it nothing else counts."""
        self._remove(self.plan, self.dropped, self.inputs, self.checkpoint, self.shards, self.kept)

    def remove_working_files(self) -> None:
        """Remove plan and checkpoint of a run that has embedded what there was to embed."""
        self._remove(self.plan, self.dropped, self.inputs, self.checkpoint)

    def _remove(self, *paths: str) -> None:
        for path in paths:
            kind = self.filesystem.get_file_info(path).type
            if kind == fs.FileType.Directory:
                self.filesystem.delete_dir(path)
            elif kind == fs.FileType.File:
                self.filesystem.delete_file(path)
