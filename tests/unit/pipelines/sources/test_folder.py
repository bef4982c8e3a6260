import os
from pathlib import Path

import pytest
from pyarrow import fs

from pipelines.sources.entry import ABSENT
from pipelines.sources.folder import folder_entries
from pipelines.sources.location import Location, locate
from poolscore.errors import InvalidInputError
from tests.unit.pipelines.sources.test_tar import write_tar


def test_images_and_members_of_tars_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write_tar(tmp_path / "b.tar", {"1.jpg": b"x", "1.txt": b"y"})
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "c.jpg").symlink_to(tmp_path / "nowhere")
    first, second, third = folder_entries(locate(str(tmp_path)))
    assert first.uri == (tmp_path / "a.jpg").as_uri()
    status = (tmp_path / "a.jpg").stat()
    assert first.stamp == f"1-{status.st_mtime_ns}"
    assert second.uri.startswith((tmp_path / "b.tar").as_uri())
    assert third.stamp == ABSENT


def test_a_folder_that_cannot_be_entered_is_refused_as_one_input(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"x")
    # Also root cannot list a path beyond the system's limit.
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=deep)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    first, second = folder_entries(locate(str(folder)))
    assert first.uri.endswith("/a.jpg")
    assert second.refused is not None
    assert "the folder cannot be used: file name too long" in second.refused.detail


def test_objects_that_cannot_be_listed_name_their_source(tmp_path: Path) -> None:
    gone = Location("s3://b/x", fs.LocalFileSystem(), str(tmp_path / "gone"), "s3")
    with pytest.raises(InvalidInputError, match=r"source 's3://b/x' .*AWS_") as caught:
        list(folder_entries(gone))
    assert caught.value.reason == "SOURCE_UNREADABLE"


@pytest.mark.parametrize("names", ["abcdefgh", "hgfedcba"])
def test_a_folder_with_several_names_is_listed_under_the_same_one_always(
    tmp_path: Path, names: str
) -> None:
    within, elsewhere, listed = (tmp_path / name for name in ("in/real", "out", "in"))
    for folder in (within, elsewhere):
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(b"x")
    for name in names:
        (listed / f"to-real-{name}").symlink_to(within)
        (listed / f"to-out-{name}").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(listed)
    uris = [entry.uri for entry in folder_entries(locate(str(listed)))]
    assert uris == [(listed / name / "1.jpg").as_uri() for name in ("real", "to-out-a")]
