import io
import os
import tarfile
from itertools import islice
from pathlib import Path

import pytest

from pipelines.addresses import TarMember, parse_address
from pipelines.reading import read_bytes
from pipelines.sources.listing import list_sources
from pipelines.sources.tar import tar_entries
from poolscore.images.reject import RejectReason


def write_tar(path: Path, members: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=kind) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_members_with_an_image_suffix_can_be_read_by_their_addresses(
    tmp_path: Path, kind: int
) -> None:
    long = f"{'d' * 90}/{'n' * 90}.jpg"
    members = {"000.json": b"{}", "000.jpg": b"first", "a b/#1&=.PNG": b"second", long: b"third"}
    path = write_tar(tmp_path / "a.tar", members, kind)
    entries = list(tar_entries(path.as_uri(), "1"))
    assert [read_bytes(entry.uri, 100) for entry in entries] == [b"first", b"second", b"third"]
    places = [parse_address(entry.uri) for entry in entries]
    assert [each.name for each in places if isinstance(each, TarMember)] == list(members)[1:]
    assert {entry.stamp for entry in entries} == {"1"}


def test_an_id_depends_on_the_name_and_not_on_the_place_in_the_tar(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.jpg": b"x"})
    before = list(tar_entries(path.as_uri(), "1"))
    write_tar(path, {"0.jpg": b"y" * 5000, "1.jpg": b"x"})
    after = list(tar_entries(path.as_uri(), "2"))
    assert after[1].id == before[0].id
    assert after[1].uri != before[0].uri


@pytest.mark.parametrize(("cut", "listed"), [(1, 0), (600, 1), (1030, 1), (1500, 1)])
def test_a_broken_tar_is_refused_after_what_could_be_read(
    tmp_path: Path, cut: int, listed: int
) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.jpg": b"x" * 10, "2.jpg": b"y" * 600})
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    *entries, last = tar_entries(path.as_uri(), "1")
    assert len(entries) == listed
    assert last.refused is not None
    assert last.refused.reason is RejectReason.UNREADABLE


def test_a_header_that_is_overwritten_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.jpg": b"x", "2.jpg": b"y"})
    content = bytearray(path.read_bytes())
    content[1024:1536] = b"?" * 512
    path.write_bytes(content)
    first, last = tar_entries(path.as_uri(), "1")
    assert first.refused is None
    assert last.refused is not None
    assert "1,024" in last.refused.detail


def test_a_member_that_lies_beyond_the_end_of_its_tar_is_a_reject(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"1.jpg": b"x"})
    place = TarMember(path.as_uri(), path.stat().st_size - 1, 10, "1.jpg")
    assert not isinstance(read_bytes(place.uri, 100), bytes)
    assert not isinstance(read_bytes(place.uri, 5), bytes)


def _with_size(path: Path, size: int, kind: bytes = tarfile.REGTYPE) -> Path:
    """A tar with a good member and one whose header gives this size, base 256 where it must."""
    write_tar(path, {"1.jpg": b"x"})
    info = tarfile.TarInfo("2.jpg")
    info.size, info.type = size, kind
    header = info.tobuf(tarfile.GNU_FORMAT)
    path.write_bytes(path.read_bytes()[:1024] + header + bytes(10240))
    return path


@pytest.mark.parametrize("size", [-512, -1024, -1, 2**62, 2**70])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_size_that_cannot_be_ends_the_tar(tmp_path: Path, size: int, kind: bytes) -> None:
    path = _with_size(tmp_path / "a.tar", size, kind)
    entries = list(islice(tar_entries(path.as_uri(), "1"), 10))
    assert [entry.refused is None for entry in entries[:1]] == [True]
    last = entries[-1].refused
    assert last is not None
    assert last.reason is RejectReason.UNREADABLE
    assert len(entries) <= 3


def test_an_extended_header_is_not_read_when_it_is_too_large(tmp_path: Path) -> None:
    path = _with_size(tmp_path / "a.tar", 2**20 + 1, tarfile.XHDTYPE)
    *_, last = tar_entries(path.as_uri(), "1")
    assert last.refused is not None
    assert "an extended header of 1,048,577 bytes" in last.refused.detail


def test_attributes_that_give_a_negative_size_end_the_tar(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("1.jpg")
        info.pax_headers = {"size": "-1024"}
        archive.addfile(info)
    entries = list(islice(tar_entries(path.as_uri(), "1"), 10))
    assert [each.refused is None for each in entries] == [False]


def test_a_broken_member_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    info = tarfile.TarInfo(os.fsdecode(b"a\xff.jpg"))
    info.size = -1
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    (tmp_path / "good.jpg").write_bytes(b"x")
    listing = list_sources([str(tmp_path)])
    assert len(listing.inputs) == 1
    assert "'a\\udcff.jpg' is -1" in listing.refused["reject_detail"][0].as_py()
