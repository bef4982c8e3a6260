"""Images and tars in a folder and in all folders below."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pyarrow import fs

from pipelines.sources.entry import ABSENT, Entry, default_id, is_image, local_stamp, stamp_of
from pipelines.sources.location import Location, looking_at
from pipelines.sources.roots import ANYWHERE, SourceRoots
from pipelines.sources.tar import tar_entries
from poolscore.images.reject import Reject, RejectReason
from poolscore.user_files import file_problem

TAR = ".tar"


def folder_entries(location: Location, roots: SourceRoots = ANYWHERE) -> Iterator[Entry]:
    """Files with an image suffix and members of tars, by path.

    A folder below that cannot or may not be read is refused as one input, so that it is reported;
    so is a link to a file outside of `roots`.
    """
    walk = _walk_local(location, roots) if location.local else _walk_objects(location)
    for path, stamp in walk:
        uri = location.uri(path)
        refused = stamp if isinstance(stamp, Reject) else roots.refusal(uri)
        if isinstance(stamp, Reject) or refused is not None:
            yield Entry(default_id(uri), uri, None, refused)
        elif path.lower().endswith(TAR):
            yield from tar_entries(uri, stamp)
        else:
            yield Entry(default_id(uri), uri, stamp)


def _wanted(name: str) -> bool:
    return is_image(name) or name.lower().endswith(TAR)


def _walk_local(location: Location, roots: SourceRoots) -> Iterator[tuple[str, str | Reject]]:
    """A folder with several names is listed once: under its own, else under the first link to it.

    Folders come in any order; names are sorted, so that the same tree gives the same ids.
    """
    found: list[str] = []
    seen: set[str] = set()
    refused: dict[str, Reject] = {}

    def refuse(error: OSError) -> None:
        detail = f"the folder {file_problem(error)}"
        refused[str(error.filename)] = Reject(RejectReason.UNREADABLE, detail)

    tops = deque([location.path])
    while tops:
        for place, folders, files in os.walk(tops.popleft(), onerror=refuse):
            real = os.path.realpath(place)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            beyond = roots.folder_refusal(real)
            if beyond is not None:
                refused[place] = beyond
                folders.clear()
                continue
            folders.sort()
            below = (f"{place}/{name}" for name in folders)
            tops += [path for path in below if os.path.islink(path)]  # noqa: PTH114 one a folder
            found += [f"{place}/{name}" for name in files if _wanted(name)]
    for path in sorted([*found, *refused]):
        yield path, refused.get(path) or local_stamp(Path(path))


def _walk_objects(location: Location) -> Iterator[tuple[str, str | Reject]]:
    selector = fs.FileSelector(location.path, recursive=True)
    with looking_at(location.name):
        infos = location.filesystem.get_file_info(selector)
    files = [info for info in infos if info.is_file and _wanted(info.base_name)]
    for info in sorted(files, key=lambda info: info.path):
        yield info.path, stamp_of(info) if info.size is not None else ABSENT
