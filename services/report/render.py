"""One self-contained HTML file: style, charts and pictures are inside; no script, no network."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from pyarrow import fs

from poolscore.store.files import write_atomic
from services.report import formats
from services.report.data import ReportData
from services.report.view import build_view


def write_report(data: ReportData, path: Path) -> None:
    """Write the report of a demo, whole or not at all; a report that was there is replaced.

    Raises OSError when the folder cannot be written. Pictures that cannot be read leave an empty
    tile, numbers that were not measured a dash.
    """
    write_page("report.html.j2", path, data=data, view=build_view(data))


def write_page(template: str, path: Path, **shown: object) -> None:
    """Fill in one of the templates beside this module; the same rules."""
    html = _environment().get_template(template).render(**shown)
    write_atomic(fs.LocalFileSystem(), str(path), html.encode("utf-8"))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=formats.percent,
        points=formats.points,
        fixed=formats.fixed,
        count=formats.count,
        seconds=formats.seconds,
    )
    return environment
