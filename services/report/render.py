"""One self-contained HTML file: style, charts and pictures are inside; no script, no network."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from pyarrow import fs

from poolscore.store.files import write_atomic
from services.report import formats
from services.report.data import ReportData
from services.report.view import build_view


def write_report(data: ReportData, path: Path) -> None:
    """Write the report of a pool, whole or not at all; a report that was there is replaced.

    Raises OSError when the folder cannot be written. Pictures that cannot be read leave an empty
    tile, numbers that were not measured a dash.
    """
    html = _environment().get_template("report.html.j2").render(data=data, view=build_view(data))
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
