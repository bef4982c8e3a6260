import base64
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from services.report.data import ClassCount, CurvePoint, RankedImage, ReportData
from services.report.render import write_report

NAN = math.nan


class Page(HTMLParser):
    """Visible text, and every tag with its attributes; fails where tags do not nest."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def render(data: ReportData, folder: Path) -> tuple[str, Page]:
    path = folder / "deep" / "report.html"
    write_report(data, path)
    html = path.read_text(encoding="utf-8")
    return html, Page(html)


def test_needs_nothing_from_outside(data: ReportData, tmp_path: Path) -> None:
    html, page = render(data, tmp_path)
    outside_pictures = re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", outside_pictures)
    assert {"script", "link", "iframe", "object"}.isdisjoint(name for name, _ in page.tags)
    sources = [attributes["src"] or "" for attributes in page.having("img")]
    assert len(sources) == 8
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    picture = Image.open(io.BytesIO(base64.b64decode(sources[0].partition(",")[2])))
    assert max(picture.size) == 160


def test_shows_the_numbers_of_every_section(data: ReportData, tmp_path: Path) -> None:
    text = render(data, tmp_path)[1].text
    shown = [
        "Which images next?", "dual_prompt", "poolscore-lite", data.verdict,
        data.measured_on, "61.3%", "82.7%", "+21.4 points from 120 labels",
        "84.0%", "\N{MINUS SIGN}1.3 points",
        "4.0% of the embedded images", "3,012", "3,000 embedded, 12 rejected",
        "71.55%", "0.683", "0.654",
        "0.80 p_clean", "0.67 max-prob", "0.50 chance",
        "4 images · median 0.88", "3 images · median 0.30",
        "1 of these 8 predictions are wrong", "✗ is coins", "prob 0.31", "p_clean 0.11",
        "8. of its class",
        "reached 3 of 4 classes, random 3", "astronaut 60 30 25.0%", "cat 36 30 50.0%",
        "rocket 0 0 0.0%",
        "2 min 31 s in all", "48.2 s", "1 min 42 s",
        "TRUNCATED The file ends too early 7", "EMPTY The file has no bytes 5",
        "snapshot pools/photographs/snapshots/1", "seed 17",
    ]  # fmt: skip
    assert [words for words in shown if words not in text] == []


def test_charts_say_in_words_what_they_show(data: ReportData, tmp_path: Path) -> None:
    page = render(data, tmp_path)[1]
    labels = " ".join(
        str(attributes["aria-label"])
        for attributes in page.having("svg")
        if attributes.get("role") == "img"
    )
    assert "dual_prompt 82.7%, random 84.0%" in labels
    assert "p_clean 0.80, max-prob 0.67" in labels
    assert "Prediction wrong: 3 images, median 0.30" in labels
    assert all(attributes.get("alt") for attributes in page.having("img"))


def test_hostile_names_stay_text(data: ReportData, tmp_path: Path, pictures: list[Path]) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    hostile = replace(
        data,
        title=evil,
        pool=evil,
        strategy=evil,
        encoder=evil,
        verdict=evil,
        rejects={evil: 1},
        contact_sheet=[RankedImage(pictures[0].as_uri(), evil, 0.5, 0.5, evil, evil + "!")],
        balance=[ClassCount(evil, 1, 1, 1)],
        stages=[(evil, 1.0)],
        provenance={evil: evil},
    )
    html, page = render(hostile, tmp_path)
    assert "<script" not in html
    assert len(page.having("img")) == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    # title twice, pool, strategy, encoder, verdict, reject, image, reason, truth, class, stage
    assert page.text.count("alert(1)</script>") >= 12


def test_what_was_not_measured_is_a_dash(data: ReportData, tmp_path: Path) -> None:
    gaps = replace(
        data,
        curve=[CurvePoint(0, 0.6, NAN, NAN, NAN), CurvePoint(60, 0.7, NAN, NAN, NAN)],
        p_clean_right=[NAN],
        p_clean_wrong=[],
        contact_sheet=[replace(data.contact_sheet[0], probability=NAN, p_clean=NAN)],
        stages=[("embed", NAN), ("train", 2.0)],
    )
    html, page = render(gaps, tmp_path)
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", html), re.IGNORECASE)
    assert page.text.count("Not measured.") == 2
    assert "prob \N{EN DASH} p_clean \N{EN DASH}" in page.text


def test_a_report_of_nothing(data: ReportData, tmp_path: Path) -> None:
    empty = replace(
        data,
        pool_size=0,
        embedded=0,
        rejects={},
        curve=[CurvePoint(0, 0.61, 0.61, 0.7, 0.6)],
        p_clean_right=[],
        p_clean_wrong=[],
        contact_sheet=[],
        balance=[],
        stages=[],
        provenance={},
    )
    page = render(empty, tmp_path)[1]
    assert "61.0% → 61.0%" in page.text
    assert "Every input was embedded." in page.text
    assert "Every image is answered." in page.text


def test_missing_picture_leaves_an_empty_tile(data: ReportData, tmp_path: Path) -> None:
    gone = replace(data.contact_sheet[0], uri=(tmp_path / "gone.jpg").as_uri())
    page = render(replace(data, contact_sheet=[gone, *data.contact_sheet[1:]]), tmp_path)[1]
    assert len(page.having("img")) == 7
    assert page.text.count("no picture") == 1


def test_many_classes_and_pictures_are_folded_and_bounded(data: ReportData, tmp_path: Path) -> None:
    many = replace(
        data,
        balance=[ClassCount(f"class {k:02d}", 43 - k, 1, 10) for k in range(43)],
        contact_sheet=list(data.contact_sheet) * 10,
    )
    page = render(many, tmp_path)[1]
    assert "The other 23 classes" in page.text
    assert page.text.index("class 19") < page.text.index("The other 23 classes")
    assert page.text.index("The other 23 classes") < page.text.rindex("class 20")
    assert len(page.having("img")) == 60
    assert "60 of 80 shown" in page.text


def test_replaces_a_report_and_leaves_nothing_beside_it(data: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(data, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_failed_report_leaves_the_old_one(data: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(IndexError):
        write_report(replace(data, curve=[]), path)
    assert path.read_text() == "old"
