import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.addresses import ParquetCell, TarMember
from pipelines.sources.listing import list_sources
from pipelines.sources.location import locate
from pipelines.sources.resolve import check_sources
from pipelines.sources.roots import ANYWHERE, SourceRoots
from poolscore.errors import InvalidInputError, PermissionDeniedError
from poolscore.images.reject import RejectReason

METADATA = "http://169.254.169.254"


def touch(path: Path, data: bytes = b"image") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder that may be read; beside it lies one that may not be."""
    touch(tmp_path / "secret" / "s.jpg")
    touch(tmp_path / "images" / "a.jpg")
    touch(tmp_path / "images-not" / "n.jpg")
    return tmp_path / "images"


def refused(roots: SourceRoots, source: str) -> bool:
    try:
        roots.check(source)
    except PermissionDeniedError as error:
        return error.reason == "SOURCE_NOT_ALLOWED"
    return False


def test_paths_count_as_what_they_lead_to(inside: Path) -> None:
    (inside / "out").symlink_to(inside.parent / "secret")
    (inside / "again").symlink_to(inside)
    (inside.parent / "to-images").symlink_to(inside)
    roots = SourceRoots(str(inside.parent / "to-images"))
    for each in ("", "/a.jpg", "/x/../a.jpg", "/again/a.jpg", "/not-there/yet"):
        assert not refused(roots, f"{inside}{each}"), each
        assert not refused(roots, f"{inside.as_uri()}{each}"), each
    for each in ("/..", "-not", "-not/n.jpg", "/out/s.jpg", "/../secret", "/again/../secret"):
        assert refused(roots, f"{inside}{each}"), each
        assert refused(roots, f"{inside.as_uri()}{each}"), each
    assert refused(roots, f"{inside.as_uri()}/%2e%2e/secret")
    assert refused(roots, "/")
    assert refused(roots, f"{inside}/a\0.jpg")
    assert refused(roots, "~nosuchuser/images")


def test_a_path_is_no_address_of_another_kind(inside: Path) -> None:
    roots = SourceRoots(f"{inside},s3://bucket/images")
    for scheme in ("http", "https", "hdfs", "ftp", "gcs", "abfs", "mock", "s3", "data"):
        assert refused(roots, f"{scheme}://{inside}/a.jpg"), scheme
        assert roots.refusal(f"{scheme}://169.254.169.254/latest/meta-data") is not None
    # Read as a path, which they are.
    assert refused(roots, "file:/etc/passwd")
    assert refused(roots, f"file:{inside.parent}/secret/s.jpg")
    assert roots.refusal(f"file:{inside.parent}/secret/s.jpg") is not None
    assert roots.refusal("file:images/a.jpg") is not None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("s3://bucket/images", True),
        ("s3://bucket/images/", True),
        ("s3://bucket/images/2024/a b.jpg", True),
        ("s3://bucket/images/a%20b.jpg", True),
        ("s3://bucket/images/{000..015}.tar", True),
        ("s3://bucket/images-not/a.jpg", False),
        ("s3://bucket/imag", False),
        ("s3://bucket", False),
        ("s3://bucket2/images", False),
        ("s3://Bucket/images", False),
        ("gs://bucket/images", False),
        ("s3://bucket/images/../secret", False),
        ("s3://bucket/images/%2e%2e/secret", False),
        ("s3://bucket/images/./a.jpg", False),
        ("s3://bucket/../bucket/images/a.jpg", False),
        ("s3://bucket%2Fimages/a.jpg", False),
        ("s3:///bucket/images/a.jpg", False),
        ("s3://[bucket/images", False),
        (f"s3://bucket/images?endpoint_override={METADATA}", False),
        (f"s3://bucket/images/a.jpg?endpoint_override={METADATA}", False),
        (f"s3://bucket/images%3Fendpoint_override={METADATA}", False),
        ("gs://public/photos/a.jpg", True),
        ("gs://anonymous@public/photos/a.jpg", True),
        ("s3://near/photos/a.jpg?region=eu-west-1", True),
        ("s3://near/photos/a.jpg", False),
        ("s3://near/photos/a.jpg?region=eu-west-2", False),
    ],
)
def test_addresses_count_by_bucket_and_whole_names(address: str, allowed: bool) -> None:
    roots = SourceRoots(
        " s3://bucket/images/ , gs://public/photos, s3://near/photos?region=eu-west-1,"
    )
    assert refused(roots, address) is not allowed
    if "{" not in address:
        assert (roots.refusal(address) is None) is allowed
        assert (roots.refusal(TarMember(address, 512, 9, "x.jpg").uri) is None) is allowed
        assert (roots.refusal(ParquetCell(address, "image", 0, 1).uri) is None) is allowed


def test_without_roots_everything_is_allowed() -> None:
    for source in ("/", "relative", "s3://any/where?endpoint_override=http://localhost:1"):
        ANYWHERE.check(source)
        assert ANYWHERE.refusal(source) is None
    assert ANYWHERE.folder_refusal("/") is None


@pytest.mark.parametrize(
    "setting", ["images", "http://host/x", "s3://", "s3://b/../c", "/a,b", "~"]
)
def test_what_cannot_be_a_root(setting: str) -> None:
    with pytest.raises(InvalidInputError, match="POOLSCORE_SOURCE_ROOTS") as caught:
        SourceRoots(setting)
    assert caught.value.reason == "SETTING_INVALID"


def test_a_source_elsewhere_is_not_even_looked_at(inside: Path) -> None:
    roots = SourceRoots(f"{inside},s3://bucket/images")
    # 0 is a link to a folder outside.
    (inside / "0").symlink_to(inside.parent / "secret")
    # Nothing answers at the endpoint, so that whoever connects finds out late.
    for source in (
        str(inside.parent / "secret"),
        str(inside.parent / "not-there"),
        f"s3://bucket/images?endpoint_override={METADATA}",
        f"{inside}/{{0..0}}",
    ):
        with pytest.raises(PermissionDeniedError):
            check_sources([source], roots)
    with pytest.raises(PermissionDeniedError):
        locate(str(inside.parent / "secret"), roots)
    with pytest.raises(PermissionDeniedError):
        list_sources([str(inside.parent / "secret")], roots)
    assert check_sources([str(inside)], roots) == (str(inside),)


def listed(source: Path, roots: SourceRoots) -> tuple[list[str], dict[str, str]]:
    """Addresses of the inputs, and reasons by address of what is refused."""
    listing = list_sources([str(source)], roots)
    rows = listing.refused.to_pylist()
    reasons = {row["uri"]: row["reject_reason"] for row in rows}
    assert all(row["stamp"] is None for row in rows)
    return listing.inputs["uri"].to_pylist(), reasons


def test_links_that_lead_out_of_a_folder_are_refused_each_as_one_input(inside: Path) -> None:
    secret = inside.parent / "secret"
    with tarfile.open(secret / "t.tar", "w") as archive:
        archive.add(secret / "s.jpg", "s.jpg")
    (inside / "folder").symlink_to(secret)
    (inside / "file.jpg").symlink_to(secret / "s.jpg")
    (inside / "tar.tar").symlink_to(secret / "t.tar")
    (inside / "own.jpg").symlink_to(inside / "a.jpg")
    inputs, reasons = listed(inside, SourceRoots(str(inside)))
    assert inputs == [(inside / name).as_uri() for name in ("a.jpg", "own.jpg")]
    assert reasons == {
        (inside / name).as_uri(): RejectReason.NOT_ALLOWED
        for name in ("folder", "file.jpg", "tar.tar")
    }


def test_entries_of_lists_that_lead_elsewhere_are_refused(inside: Path) -> None:
    (inside / "link.jpg").symlink_to(inside.parent / "secret" / "s.jpg")
    secret = (inside.parent / "secret" / "s.jpg").as_uri()
    tar = TarMember(secret, 0, 5, "s.jpg").uri
    wrong = [
        "../secret/s.jpg",
        "link.jpg",
        "../images-not/n.jpg",
        "/etc/hostname",
        tar,
        "s3://bucket/b.jpg",
        f"s3://mine/b.jpg?endpoint_override={METADATA}",
        f"{METADATA}/latest/meta-data",
        "hdfs://name/b.jpg",
    ]
    right = ["a.jpg", "./x/../a.jpg#2", "s3://mine/b.jpg"]
    roots = SourceRoots(f"{inside},s3://mine")
    by_path = inside / "list.csv"
    by_path.write_text("path\n" + "\n".join([*right, *wrong]) + "\n")
    table = inside / "list.parquet"
    ids = [f"r{n}" for n in range(len(right))] + [f"w{n}" for n in range(len(wrong))]
    pq.write_table(pa.table({"uri": [*right, *wrong], "id": ids}), table)
    for source in (by_path, table):
        inputs, reasons = listed(source, roots)
        assert len(inputs) == len(right)
        assert set(reasons.values()) == {RejectReason.NOT_ALLOWED}
        assert len(reasons) == len(wrong)
        assert secret in reasons
    refused_ids = list_sources([str(table)], roots).refused["id"].to_pylist()
    assert refused_ids == ids[len(right) :]


def test_a_list_that_is_allowed_by_another_root_has_its_entries(inside: Path) -> None:
    (inside.parent / "secret" / "images").symlink_to(inside)
    source = inside.parent / "secret" / "list.txt"
    source.write_text("images/a.jpg\ns.jpg\n")
    inputs, reasons = listed(source, SourceRoots(f"{source},{inside}"))
    assert inputs == [(source.parent / "images" / "a.jpg").as_uri()]
    assert list(reasons) == [(source.parent / "s.jpg").as_uri()]
