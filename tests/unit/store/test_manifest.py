import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from poolscore.store.files import open_store
from poolscore.store.manifest import (
    Manifest,
    ShardEntry,
    commit_manifest,
    load_manifest,
    sort_shards,
)


def manifest(**changes: Any) -> Manifest:
    shards = [
        ShardEntry(path="pools/pets/runs/1/b.parquet", rows=3, embedded=3, rejected=0),
        ShardEntry(path="pools/pets/runs/1/a.parquet", rows=4, embedded=2, rejected=2),
    ]
    fields: dict[str, Any] = {
        "pool": "pets",
        "run": 1,
        "encoder": EncoderSpec(),
        "encoder_digest": "d" * 64,
        "dim": 4,
        "shards": sort_shards(shards),
        "embedded": 5,
        "rejected": 2,
        "rejects": {"EMPTY": 2},
        "sources": ("/photos",),
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Manifest.model_validate(fields | changes)


def test_commit_and_load(tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path))
    uri, sha256 = commit_manifest(filesystem, root, manifest())
    assert uri == "pools/pets/snapshots/run-1.json"
    assert hashlib.sha256((tmp_path / uri).read_bytes()).hexdigest() == sha256
    assert load_manifest(filesystem, root, uri, sha256) == manifest()


def test_a_second_commit_is_the_same_or_refused(tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path))
    first = commit_manifest(filesystem, root, manifest())
    assert commit_manifest(filesystem, root, manifest()) == first
    with pytest.raises(AlreadyExistsError, match="run 1 of pool 'pets'") as caught:
        commit_manifest(filesystem, root, manifest(sources=("/other",)))
    assert caught.value.reason == "MANIFEST_EXISTS"
    assert load_manifest(filesystem, root, *first) == manifest()


def test_a_run_with_another_key_has_another_manifest(tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path))
    first = commit_manifest(filesystem, root, manifest())
    uri, sha256 = commit_manifest(filesystem, root, manifest(sources=("/other",)), "1-2")
    assert uri == "pools/pets/snapshots/run-1-2.json"
    assert load_manifest(filesystem, root, uri, sha256).sources == ("/other",)
    assert load_manifest(filesystem, root, *first) == manifest()


def test_a_changed_manifest_is_noticed(tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path))
    uri, sha256 = commit_manifest(filesystem, root, manifest())
    for content in (b"{}", (tmp_path / uri).read_bytes() + b" "):
        (tmp_path / uri).write_bytes(content)
        with pytest.raises(FailedPreconditionError, match="run-1") as caught:
            load_manifest(filesystem, root, uri, sha256)
        assert caught.value.reason == "MANIFEST_CORRUPT"
    (tmp_path / uri).write_bytes(b"{}")
    with pytest.raises(FailedPreconditionError):
        load_manifest(filesystem, root, uri)
    (tmp_path / uri).unlink()
    with pytest.raises(NotFoundError):
        load_manifest(filesystem, root, uri)


@pytest.mark.parametrize(
    "changes",
    [
        {"embedded": 6},
        {"rejected": 1},
        {"rejects": {"EMPTY": 1}},
        {"shards": tuple(reversed(manifest().shards))},
        {"shards": (manifest().shards[0],) * 2},
        {"unknown": 1},
    ],
)
def test_a_manifest_that_does_not_add_up_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        manifest(**changes)
