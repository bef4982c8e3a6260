"""Scoring runs: how far they are, how fast, what they reject, and where the time goes."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.generate.panels import (
    COUNT,
    HALF,
    PER_SECOND,
    SECONDS,
    SHARE,
    dashboard,
    graph,
    number,
)

_NOW = (
    number(
        "Runs",
        "Runs of the chosen pools that are running, and that wait for a worker.",
        COUNT,
        ('sum(poolscore_pool_runs{pool=~"$pool", state="running"})', "running"),
        ('sum(poolscore_pool_runs{pool=~"$pool", state="pending"})', "pending"),
    ),
    number(
        "Done",
        "Share of its images, searches or steps that each running run has done.",
        SHARE,
        ('pool_kind:poolscore_pool_run_done:ratio{pool=~"$pool"}', "{{pool}} {{kind}}"),
    ),
    number(
        "Time left",
        "At the rate of the last two minutes.",
        SECONDS,
        ('pool_kind:poolscore_pool_run_left:seconds{pool=~"$pool"}', "{{pool}} {{kind}}"),
    ),
)
_SPEED = (
    graph(
        "Progress",
        "Share of each running run that is done.",
        SHARE,
        ('pool_kind:poolscore_pool_run_done:ratio{pool=~"$pool"}', "{{pool}} {{kind}}"),
    ),
    graph(
        "Rate of runs",
        "Images, searches or steps that running runs get done, over two minutes.",
        PER_SECOND,
        ('pool_kind:poolscore_pool_run_done_items:rate2m{pool=~"$pool"}', "{{pool}} {{kind}}"),
    ),
    graph(
        "Images",
        "Embedded by encoders, and scored again from the cache, of all pools.",
        PER_SECOND,
        ("sum(rate(poolscore_images_embedded_total[$__rate_interval]))", "embedded"),
        ("sum(rate(poolscore_images_scored_total[$__rate_interval]))", "scored"),
    ),
)
_REJECTS = (
    graph(
        "Rejected while running",
        "Images that could not be embedded, by reason, of all pools.",
        PER_SECOND,
        ("sum by (reason) (rate(poolscore_images_rejected_total[$__rate_interval]))", "{{reason}}"),
        stacked=True,
    ),
    graph(
        "Rejected images",
        "Images of the active snapshots that could not be embedded, by reason.",
        COUNT,
        ('sum by (reason) (poolscore_pool_rejected_images{pool=~"$pool"})', "{{reason}}"),
        stacked=True,
    ),
    graph(
        "Share of rejects",
        "Of the images of each active snapshot.",
        SHARE,
        ('pool:poolscore_pool_rejected_images:ratio{pool=~"$pool"}', "{{pool}}"),
    ),
)
_STAGES = (
    graph(
        "Busy threads",
        "Threads that each stage of embedding keeps busy, of all pools.",
        COUNT,
        ("sum by (stage) (rate(poolscore_stage_seconds_total[$__rate_interval]))", "{{stage}}"),
        stacked=True,
    ),
    graph(
        "Time of an image",
        "Time of one thread that each stage takes for an image.",
        SECONDS,
        (
            "sum by (stage) (rate(poolscore_stage_seconds_total[$__rate_interval])) "
            "/ ignoring (stage) group_left () "
            "(sum(rate(poolscore_images_embedded_total[$__rate_interval])) > 0)",
            "{{stage}}",
        ),
        stacked=True,
    ),
    graph(
        "Use of encoders",
        "Share of their time that encoder actors have a batch. Low: they wait for the stages "
        "before or after them.",
        SHARE,
        ("poolscore_encoder_seconds:busy:ratio_rate2m", "busy"),
    ),
)
_ENDED = (
    graph(
        "Runs that ended",
        "Within an hour, by kind and state.",
        COUNT,
        (
            "sum by (kind, state) (delta(poolscore_pool_runs{"
            'pool=~"$pool", state=~"succeeded|failed|cancelled"}[1h]))',
            "{{kind}} {{state}}",
        ),
        width=HALF,
    ),
    graph(
        "How long runs take",
        "Nine in ten of those that ended within an hour took less.",
        SECONDS,
        (
            "histogram_quantile(0.9, "
            "sum by (kind, le) (rate(poolscore_run_duration_seconds_bucket[1h])))",
            "{{kind}}",
        ),
        width=HALF,
    ),
)


def runs() -> Dashboard:
    """The dashboard."""
    return dashboard(
        "poolscore-runs",
        "poolscore: scoring runs",
        "Progress, rate, rejects and stage times of embedding, re-scoring and training runs.",
        [
            ("Now", _NOW),
            ("Speed", _SPEED),
            ("Rejects", _REJECTS),
            ("Stages of embedding", _STAGES),
            ("Ended runs", _ENDED),
        ],
    )
