"""The format of a backup: a zip of JSON lines a table, the prompt artefacts, and a manifest.

    tables/{table}.jsonl     one object a row, by column; times are ISO 8601
    prompts/{sha256}         a prompt artefact
    manifest.json            what is in the file, with sha256 and rows, and the catalog's schema

It does not depend on the database that it was made from. Snapshots, rankings and neighbour graphs
are in the file store and not in here.
"""

import json
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Table

from poolscore.errors import InvalidInputError
from poolscore.store.column_types import UtcDateTime
from poolscore.user_files import file_errors

FORMAT = "poolscore-backup/1"
MANIFEST = "manifest.json"

_CHUNK = 1 << 20


class Member(BaseModel):
    """One file in the zip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    rows: int | None = None
    """Of a table."""
    uris: tuple[str, ...] = ()
    """Of a prompt artefact: its places in the file store."""


class BackupManifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    schema_revision: str
    """Of the catalog; a backup goes into a catalog of the same one."""
    created: datetime
    code_version: str
    members: Mapping[str, Member]

    def rows(self) -> dict[str, int]:
        """Rows by table."""
        found = {Path(name).stem: member.rows for name, member in self.members.items()}
        return {name: rows for name, rows in found.items() if rows is not None}


def table_member(table: str) -> str:
    """Name in the zip of a table's rows."""
    return f"tables/{table}.jsonl"


def prompt_member(digest: str) -> str:
    """Name in the zip of a prompt artefact."""
    return f"prompts/{digest}"


class Hashed:
    """Writes to a file and knows the sha256 of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to `file`."""
        self._file, self._hash = file, sha256()

    def write(self, data: bytes) -> None:
        """Write bytes."""
        self._file.write(data)
        self._hash.update(data)

    @property
    def digest(self) -> str:
        """The sha256 of all so far."""
        return self._hash.hexdigest()


def write_row(row: Mapping[str, Any]) -> bytes:
    """One line of a table."""
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return json.dumps(plain, allow_nan=False).encode() + b"\n"


def read_rows(archive: zipfile.ZipFile, table: Table) -> Iterator[dict[str, Any]]:
    """Rows of a table."""
    times = [column.name for column in table.c if isinstance(column.type, UtcDateTime)]
    with archive.open(table_member(table.name)) as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            for name in times:
                row[name] = row[name] and datetime.fromisoformat(row[name])
            yield row


@contextmanager
def open_backup(file: Path) -> Generator[tuple[zipfile.ZipFile, BackupManifest]]:
    """A backup whose every byte has been checked; what goes wrong in the block names the file.

    Raises InvalidInputError BACKUP_INVALID.
    """
    advice = "give a file of 'poolscore admin export'"
    broken = (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        NotImplementedError,  # a way to compress that we do not write
        RuntimeError,  # encrypted
    )
    try:
        with file_errors(file, advice, "BACKUP_INVALID"), zipfile.ZipFile(file) as archive:
            yield archive, _check(archive)
    except InvalidInputError:
        raise
    except broken as error:
        raise invalid(file, str(error) or type(error).__name__) from error


def invalid(file: Path, why: str) -> InvalidInputError:
    """The error of a file that is no whole backup."""
    return InvalidInputError(
        f"'{file}' is not a whole backup: {why}; take another copy of it, or export again",
        reason="BACKUP_INVALID",
    )


def _check(archive: zipfile.ZipFile) -> BackupManifest:
    try:
        manifest = BackupManifest.model_validate_json(archive.read(MANIFEST))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{MANIFEST}: {first['msg']}") from error
    if manifest.format != FORMAT:
        raise ValueError(f"its format is '{manifest.format}', and not '{FORMAT}'")
    names = archive.namelist()
    if sorted(names) != sorted([*manifest.members, MANIFEST]):
        raise ValueError(f"it does not hold the files that {MANIFEST} lists")
    for name, member in manifest.members.items():
        found, lines = _sha256(archive, name)
        if found != member.sha256 or (member.rows is not None and member.rows != lines):
            raise ValueError(f"'{name}' in it was changed")
    return manifest


def _sha256(archive: zipfile.ZipFile, name: str) -> tuple[str, int]:
    """The sha256 of a member and its number of lines."""
    digest, lines = sha256(), 0
    with archive.open(name) as data:
        while part := data.read(_CHUNK):
            digest.update(part)
            lines += part.count(b"\n")
    return digest.hexdigest(), lines
