"""The page as a file."""

from pathlib import Path

from services.pool_report.data import PoolReport
from services.pool_report.view import build_pool_view
from services.report.render import write_page
from services.report.view import CLASSES_SHOWN


def write_pool_report(report: PoolReport, path: Path) -> None:
    """Write the page, whole or not at all, with its pictures in it; one that was there is replaced.

    Raises OSError when the folder cannot be written. Pictures that cannot be read leave an empty
    tile, numbers that are not known a dash.
    """
    view = build_pool_view(report)
    write_page("pool.html.j2", path, report=report, view=view, classes_shown=CLASSES_SHOWN)
