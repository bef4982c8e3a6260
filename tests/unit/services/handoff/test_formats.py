from pathlib import Path

import pytest

from poolscore.errors import InvalidInputError
from services.handoff.formats import Format, format_to_read, format_to_write, read, write
from tests.leased_batch import a_batch


@pytest.mark.parametrize(
    ("name", "form"), [("b.csv", Format.CSV), ("b.XML", Format.CVAT), ("b", Format.CSV)]
)
def test_names_say_the_format(name: str, form: Format) -> None:
    assert format_to_write(Path(name)) == format_to_read(Path(name)) == form


def test_a_json_file_to_be_written_may_be_either() -> None:
    with pytest.raises(InvalidInputError, match="--format label-studio or --format coco"):
        format_to_write(Path("b.json"))


@pytest.mark.parametrize("form", Format)
def test_what_is_written_is_known_again_and_has_no_answers(form: Format, tmp_path: Path) -> None:
    ending = {Format.CSV: "csv", Format.CVAT: "xml"}.get(form, "json")
    file = tmp_path / f"batch.{ending}"
    text = write(form, a_batch(), ("cat", "guinea pig"), lambda uri: uri)
    if form is Format.LABEL_STUDIO:
        text = text.replace('"predictions"', '"annotations": [], "predictions"')
    file.write_text(text)
    assert format_to_read(file) == form
    assert read(form, file) == []


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    for ending in ("csv", "xml", "json"):
        file = tmp_path / f"gone.{ending}"
        with pytest.raises(InvalidInputError, match=f"gone.{ending}' does not exist"):
            read(format_to_read(file), file)
