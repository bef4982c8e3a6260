from pipelines.addresses import ParquetCell, TarMember
from services.commands.file_names import file_names


def test_files_of_one_folder_are_named_by_their_own_name() -> None:
    assert file_names(["file:///photos/a%20b.jpg", "file:///photos/c.jpg"]) == ["a b.jpg", "c.jpg"]
    assert file_names(["/photos/a.jpg"]) == ["a.jpg"]
    assert file_names([]) == []


def test_only_what_all_share_is_left_out() -> None:
    uris = ["file:///photos/cats/1.jpg", "file:///photos/dogs/1.jpg", "file:///photos/dogs/x/2.jpg"]
    assert file_names(uris) == ["cats/1.jpg", "dogs/1.jpg", "dogs/x/2.jpg"]
    assert file_names(["s3://bucket/a%20b.jpg", "s3://other/c.jpg"]) == [
        "bucket/a%20b.jpg",
        "other/c.jpg",
    ]


def test_images_in_files_are_named_by_their_place_in_them() -> None:
    members = [TarMember("s3://b/x.tar", n, 9, f"cats/{n} a.jpg").uri for n in (1, 2)]
    assert file_names(members) == ["1 a.jpg", "2 a.jpg"]
    cells = [ParquetCell("file:///x%20y.parquet", "image", n, 7).uri for n in (0, 1)]
    assert file_names(cells) == ["0/7", "1/7"]


def test_folders_that_begin_alike_are_not_shared() -> None:
    assert file_names(["/a/dogs1/1.jpg", "/a/dogs2/1.jpg"]) == ["dogs1/1.jpg", "dogs2/1.jpg"]
