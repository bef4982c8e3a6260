"""Manifests: the list of shards that makes a snapshot, committed as one file."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from pyarrow import fs
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AlreadyExistsError, FailedPreconditionError
from poolscore.store import files


class ShardEntry(BaseModel):
    """One shard of a snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    """Relative to the root of the file store."""
    rows: int
    """Embedded and rejected."""
    embedded: int
    rejected: int


class Changes(BaseModel):
    """What a run found in its sources, beside the snapshot before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    known: int = 0
    """Held already, and as far as could be seen the same."""
    new: int = 0
    changed: int = 0
    """Held already, with other content."""
    missing: int = 0
    """Held already, and gone from the source; they stay unless the run pruned them."""


class Manifest(BaseModel):
    """A snapshot: shards with counts, and where they came from. Shards are sorted by path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    pool: str
    run: int
    """The run that committed it."""
    base: int | None = None
    """Number of the snapshot that it builds on."""
    encoder: EncoderSpec
    encoder_digest: str
    dim: int
    """Embedding width."""
    shards: tuple[ShardEntry, ...]
    embedded: int
    rejected: int
    rejects: dict[str, int]
    """Rejected images by reason."""
    sources: tuple[str, ...]
    changes: Changes = Changes()
    created: datetime

    @model_validator(mode="after")
    def _add_up(self) -> "Manifest":
        paths = [shard.path for shard in self.shards]
        if paths != sorted(set(paths)):
            raise ValueError("shards are not sorted by path, or one is listed twice")
        if any(shard.rows != shard.embedded + shard.rejected for shard in self.shards):
            raise ValueError("rows of a shard are not embedded + rejected")
        if self.embedded != sum(shard.embedded for shard in self.shards):
            raise ValueError("embedded is not the sum over the shards")
        if self.rejected != sum(shard.rejected for shard in self.shards):
            raise ValueError("rejected is not the sum over the shards")
        if self.rejected != sum(self.rejects.values()):
            raise ValueError("rejected is not the sum over the reasons")
        return self


def sort_shards(shards: Iterable[ShardEntry]) -> tuple[ShardEntry, ...]:
    """Shards in the order that a manifest wants."""
    return tuple(sorted(shards, key=lambda shard: shard.path))


def commit_manifest(
    filesystem: fs.FileSystem, root: str, manifest: Manifest, key: str | int | None = None
) -> tuple[str, str]:
    """Write the manifest of a run; returns its uri (relative to the root) and its sha256.

    `key` is what the run's files are named by; without one it is the run's number.
    Atomic: a reader sees all of it or nothing. The same manifest again is no error; a run whose
    manifest is there already with other content raises AlreadyExistsError MANIFEST_EXISTS: load
    and register that one.
    """
    data = manifest.model_dump_json(indent=1).encode()
    path = files.manifest_path(root, manifest.pool, manifest.run if key is None else key)
    try:
        files.write_once(filesystem, path, data)
    except AlreadyExistsError as error:
        raise AlreadyExistsError(
            f"run {manifest.run} of pool '{manifest.pool}' has committed another manifest already, "
            f"at '{path}'; it is never overwritten",
            reason="MANIFEST_EXISTS",
        ) from error
    return files.relative(root, path), hashlib.sha256(data).hexdigest()


def load_manifest(
    filesystem: fs.FileSystem, root: str, uri: str, sha256: str | None = None
) -> Manifest:
    """Read a manifest and, given its sha256, check it.

    Raises NotFoundError FILE_NOT_FOUND, FailedPreconditionError MANIFEST_CORRUPT.
    """
    path = files.absolute(root, uri)
    data = files.read_bytes(filesystem, path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise _corrupt(path, f"its sha256 is not {sha256}")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise _corrupt(path, str(error)) from error


def _corrupt(path: str, why: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"manifest '{path}' is not what was committed: {why}; restore the file or embed the source "
        "again",
        reason="MANIFEST_CORRUPT",
    )
