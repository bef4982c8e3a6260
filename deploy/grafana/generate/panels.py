"""What the panels of all dashboards have in common.

Every panel asks Prometheus for a range, also those that show one number, the newest.
"""

from collections.abc import Sequence
from itertools import count

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    VariableOption,
    VariableRefresh,
)

Panel = timeseries.Panel | stat.Panel
Query = tuple[str, str]
"""An expression, and the name of its series."""

HEIGHT = 8
THIRD, HALF = 8, 12
"""Widths; a row is 24 wide."""
SHARE, SECONDS, PER_SECOND = "percentunit", "s", "cps"
COUNT = "short"
_SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")


def graph(
    title: str, meaning: str, unit: str, *queries: Query, width: int = THIRD, stacked: bool = False
) -> timeseries.Panel:
    """Lines over time, from 0 on; shares reach to 1."""
    panel = timeseries.Panel().title(title).description(meaning).unit(unit).min(0)
    panel = panel.datasource(_SOURCE).span(width).height(HEIGHT).fill_opacity(10)
    if unit == SHARE:
        panel = panel.max(1)
    if stacked:
        panel = panel.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL))
    for number, (expression, legend) in enumerate(queries):
        panel = panel.with_target(_query(number, expression, legend))
    return panel


def number(
    title: str, meaning: str, unit: str, *queries: Query, width: int = THIRD, height: int = 4
) -> stat.Panel:
    """The newest value of each series."""
    panel = stat.Panel().title(title).description(meaning).unit(unit)
    panel = panel.datasource(_SOURCE).span(width).height(height)
    panel = panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.text_mode(common.BigValueTextMode.AUTO).no_value("none")
    for place, (expression, legend) in enumerate(queries):
        panel = panel.with_target(_query(place, expression, legend))
    return panel


def dashboard(
    uid: str, title: str, meaning: str, rows: Sequence[tuple[str, Sequence[Panel]]]
) -> Dashboard:
    """A dashboard of rows of panels, with a choice of the data source and of pools."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(meaning)
        .tags(["poolscore"])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_pools())
    )
    ids = count(1)
    for name, panels in rows:
        made = made.with_row(Row(name).id(next(ids)))
        for panel in panels:
            made = made.with_panel(panel.id(next(ids)))
    return made


def _pools() -> QueryVariable:
    return (
        QueryVariable("pool")
        .label("Pool")
        .datasource(_SOURCE)
        .query("label_values(poolscore_pool_images, pool)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _query(place: int, expression: str, legend: str) -> Dataquery:
    made = Dataquery().expr(expression).legend_format(legend).range().ref_id(chr(ord("A") + place))
    return made.datasource(_SOURCE)
