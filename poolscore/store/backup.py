"""Backups: the catalog and the prompt versions in one file, and back into an empty catalog.

Rankings and shards stay in the file store, which is never written over: a catalog that is restored
finds them there as they were. `poolscore.integrity` names what is missing.
"""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile

from pyarrow import fs
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from poolscore import __version__
from poolscore.errors import FailedPreconditionError
from poolscore.store import files
from poolscore.store.backup_file import (
    MANIFEST,
    BackupManifest,
    Hashed,
    Member,
    invalid,
    open_backup,
    prompt_member,
    read_rows,
    table_member,
    write_row,
)
from poolscore.store.catalog import Catalog
from poolscore.store.catalog_url import display_url
from poolscore.store.engine import lock_schema
from poolscore.store.migrate import newest_revision
from poolscore.store.records import utcnow
from poolscore.store.tables import metadata, prompt_versions
from poolscore.user_files import file_errors

Store = tuple[fs.FileSystem, str]
_ROWS = 1000


def export_catalog(catalog: Catalog, store: Store, file: Path) -> BackupManifest:
    """Write all rows, of one moment, and all prompt artefacts to `file`; whole or not at all.

    Only the owner may read it: it has the hashes of tokens. Raises InvalidInputError
    BACKUP_FILE_INVALID when the file cannot be written, NotFoundError FILE_NOT_FOUND when an
    artefact is not in the store, FailedPreconditionError PROMPTS_CORRUPT when it was changed.
    """
    advice = "name a file in a folder that can be written"
    with (
        file_errors(file, advice, "BACKUP_FILE_INVALID"),
        files.private_file(file) as sink,
        ZipFile(sink, "w", ZIP_DEFLATED) as archive,
    ):
        with catalog.read() as connection:
            members = dict(_write_tables(connection, archive))
            query = select(prompt_versions.c.uri, prompt_versions.c.digest).distinct()
            artefacts = connection.execute(query.order_by(prompt_versions.c.uri)).all()
        for uri, digest in artefacts:
            name = prompt_member(digest)
            if name not in members:
                archive.writestr(name, _artefact(store, uri, digest))
            uris = members[name].uris if name in members else ()
            members[name] = Member(sha256=digest, uris=(*uris, uri))
        manifest = BackupManifest(
            schema_revision=newest_revision(),
            created=utcnow(),
            code_version=__version__,
            members=members,
        )
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1, exclude_none=True))
    return manifest


def import_catalog(file: Path, catalog: Catalog, store: Store) -> BackupManifest:
    """Write a backup into an empty catalog, of whichever database; whole or not at all.

    Raises InvalidInputError BACKUP_INVALID for a file that is no backup, was cut or changed;
    FailedPreconditionError BACKUP_SCHEMA for one of another schema, CATALOG_NOT_EMPTY.
    """
    with open_backup(file) as (archive, manifest):
        _check_schema(file, manifest)
        with catalog.read() as connection:
            _check_empty(connection, catalog)
        for name, member in manifest.members.items():
            for uri in member.uris:
                _restore_artefact(file, archive.read(name), uri, store)
        try:
            with catalog.write() as connection:
                lock_schema(connection)
                _check_empty(connection, catalog)
                for table in metadata.sorted_tables:
                    rows = read_rows(archive, table)
                    while part := list(islice(rows, _ROWS)):
                        connection.execute(table.insert(), part)
        except SQLAlchemyError as error:
            raise invalid(file, f"its rows do not fit together: {error}") from error
    return manifest


def _write_tables(connection: Connection, archive: ZipFile) -> Iterator[tuple[str, Member]]:
    for table in metadata.sorted_tables:
        name, rows = table_member(table.name), 0
        with archive.open(name, "w", force_zip64=True) as member:
            hashed = Hashed(member)
            for row in _rows(connection, table):
                hashed.write(row)
                rows += 1
        yield name, Member(sha256=hashed.digest, rows=rows)


def _rows(connection: Connection, table: Table) -> Iterator[bytes]:
    query = select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS)
    for row in connection.execute(query).mappings():
        yield write_row(dict(row))


def _artefact(store: Store, uri: str, digest: str) -> bytes:
    path = files.absolute(store[1], uri)
    data = files.read_bytes(store[0], path)
    if sha256(data).hexdigest() != digest:
        raise FailedPreconditionError(
            f"the prompt file '{path}' was damaged or changed: its sha256 is not {digest}; restore "
            "it from a copy before you export",
            reason="PROMPTS_CORRUPT",
            path=path,
        )
    return data


def _check_schema(file: Path, manifest: BackupManifest) -> None:
    if manifest.schema_revision != newest_revision():
        raise FailedPreconditionError(
            f"'{file}' was made by poolscore {manifest.code_version} from a catalog of schema "
            f"{manifest.schema_revision}; this is poolscore {__version__} with schema "
            f"{newest_revision()}: import it with that version, which this one can upgrade",
            reason="BACKUP_SCHEMA",
        )


def _check_empty(connection: Connection, catalog: Catalog) -> None:
    for table in metadata.sorted_tables:
        if rows := connection.scalar(select(func.count()).select_from(table)):
            raise FailedPreconditionError(
                f"the catalog {display_url(catalog.url)} is not empty: it has {rows:,} rows of "
                f"{table.name}; name an empty one in POOLSCORE_CATALOG",
                reason="CATALOG_NOT_EMPTY",
            )


def _restore_artefact(file: Path, data: bytes, uri: str, store: Store) -> None:
    place = PurePosixPath(uri)
    if place.is_absolute() or ".." in place.parts:
        raise invalid(file, f"'{uri}' is no place in a file store")
    files.write_once(store[0], files.absolute(store[1], uri), data)
