"""The API: what is asked, what is refused, how long it takes; and the pages it is measured by."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.generate.panels import (
    COUNT,
    PER_SECOND,
    SECONDS,
    SHARE,
    Query,
    dashboard,
    graph,
)


def _quantile(share: str) -> Query:
    return f"poolscore_rpc_duration_seconds:p{share}_rate5m", f"p{share}"


_CALLS = (
    graph(
        "Calls",
        "By method.",
        PER_SECOND,
        ("sum by (method) (rate(poolscore_rpcs_total[$__rate_interval]))", "{{method}}"),
        stacked=True,
    ),
    graph(
        "Calls that did not go well",
        "By gRPC code; most are the caller's.",
        PER_SECOND,
        (
            'sum by (code) (rate(poolscore_rpcs_total{code!="OK"}[$__rate_interval]))',
            "{{code}}",
        ),
        stacked=True,
    ),
    graph(
        "Errors of the service",
        "Share of the calls that ended with a code that is the service's fault.",
        SHARE,
        ("poolscore_rpcs:errors:ratio_rate5m", "errors"),
    ),
)
_LATENCY = (
    graph(
        "Time of calls",
        "Quantiles of all methods but those that stream.",
        SECONDS,
        _quantile("50"),
        _quantile("95"),
        _quantile("99"),
    ),
    graph(
        "Slowest calls by method",
        "99 in 100 calls took less.",
        SECONDS,
        ("method:poolscore_rpc_duration_seconds:p99_rate5m", "{{method}}"),
    ),
    graph(
        "In flight",
        "Calls that are being answered, watching ones too.",
        COUNT,
        ("sum(poolscore_rpcs_in_flight)", "calls"),
    ),
)
_LIMITS = (
    graph(
        "Limited",
        "Calls refused because their caller had its share, by reason.",
        PER_SECOND,
        ("sum by (reason) (rate(poolscore_rpcs_limited_total[$__rate_interval]))", "{{reason}}"),
        stacked=True,
    ),
    graph(
        "Leases",
        "Batches given to annotators, and the images in them.",
        PER_SECOND,
        ("sum(rate(poolscore_leases_total[$__rate_interval]))", "batches"),
        ("sum(rate(poolscore_leased_items_total[$__rate_interval]))", "images"),
    ),
    graph(
        "Leased images",
        "By the state of their lease.",
        COUNT,
        ('sum by (state) (poolscore_pool_leased_images{pool=~"$pool"})', "{{state}}"),
        stacked=True,
    ),
)
_PAGES = (
    graph(
        "Pages for Prometheus",
        "1: the page answers; 0: it does not.",
        COUNT,
        ('min by (job) (up{job=~"poolscore-.*"})', "{{job}}"),
    ),
    graph(
        "Catalog",
        "1: the catalog could be read for the last answer; 0: it could not.",
        COUNT,
        ("min(poolscore_catalog_up)", "read"),
    ),
    graph(
        "Reading the catalog",
        "Time that it took for the last answer.",
        SECONDS,
        ("max(poolscore_catalog_read_duration_seconds)", "seconds"),
    ),
)


def api() -> Dashboard:
    """The dashboard."""
    return dashboard(
        "poolscore-api",
        "poolscore: the API",
        "Calls, errors, latency, limits, and the pages that all of this is measured by.",
        [
            ("Calls", _CALLS),
            ("Latency", _LATENCY),
            ("Limits and leases", _LIMITS),
            ("Measuring", _PAGES),
        ],
    )
