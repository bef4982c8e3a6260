"""Check what a run is asked to read, before anything is listed."""

from collections.abc import Sequence

from pyarrow import fs

from pipelines.sources.braces import expand_braces
from pipelines.sources.folder import TAR
from pipelines.sources.location import Location, locate, looking_at
from pipelines.sources.path_list import SUFFIXES
from pipelines.sources.roots import ANYWHERE, SourceRoots
from poolscore.errors import InvalidInputError

KINDS = f"a folder, a list ({', '.join(SUFFIXES)}), or a {TAR}"


def check_sources(sources: Sequence[str], roots: SourceRoots = ANYWHERE) -> tuple[str, ...]:
    """Names of the sources as runs and snapshots keep them: absolute, ranges expanded, each once.

    Raises InvalidInputError SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_UNREADABLE, SOURCE_RANGE;
    PermissionDeniedError SOURCE_NOT_ALLOWED.
    """
    found = (each.name for source in sources for each in _located(source, roots))
    return tuple(dict.fromkeys(found))


def is_folder(location: Location) -> bool:
    """Whether it is a folder; raises InvalidInputError when it cannot be listed."""
    kind = _look(location)
    if kind == fs.FileType.NotFound:
        raise InvalidInputError(
            f"source '{location.name}' does not exist: give {KINDS}",
            reason="SOURCE_NOT_FOUND",
            source=location.name,
        )
    if kind != fs.FileType.Directory and location.suffix not in (*SUFFIXES, TAR):
        packed = location.path.lower().endswith((".tar.gz", ".tgz", ".tar.zst", ".tar.bz2"))
        raise InvalidInputError(
            f"source '{location.name}' is neither a folder nor a list ({', '.join(SUFFIXES)}) nor "
            f"a {TAR}" + ("; images are read out of a tar, which must be unpacked" * packed),
            reason="SOURCE_UNSUPPORTED",
            source=location.name,
        )
    return kind == fs.FileType.Directory


def _located(source: str, roots: SourceRoots) -> list[Location]:
    whole = locate(source, roots)
    # A file may have braces in its name.
    exists = whole.local and _look(whole) != fs.FileType.NotFound
    found = [whole] if exists else [locate(each, roots) for each in expand_braces(source)]
    for location in found:
        is_folder(location)
    return found


def _look(location: Location) -> fs.FileType:
    with looking_at(location.name):
        return location.filesystem.get_file_info(location.path).type
