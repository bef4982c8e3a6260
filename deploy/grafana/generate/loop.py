"""The loop: labels come in, prompt versions come out, and how good and how fresh these are."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.generate.panels import COUNT, SECONDS, SHARE, dashboard, graph, number

_LABELS = (
    graph(
        "Labels",
        "Images with an answer in force, by kind.",
        COUNT,
        ('sum by (kind) (poolscore_pool_labels{pool=~"$pool"})', "{{kind}}"),
        stacked=True,
    ),
    graph(
        "Answers an hour",
        "Answers and retractions that were recorded within the last hour.",
        COUNT,
        (
            'sum by (pool) (increase(poolscore_pool_label_events_total{pool=~"$pool"}[1h]))',
            "{{pool}}",
        ),
    ),
    graph(
        "Answers sent",
        "Answers that callers sent within an hour, accepted or refused, of all pools.",
        COUNT,
        ("sum by (result) (increase(poolscore_labels_total[1h]))", "{{result}}"),
    ),
    graph(
        "Class coverage",
        "Share of the classes that at least one label in force names.",
        SHARE,
        ('poolscore_pool_class_coverage_ratio{pool=~"$pool"}', "{{pool}}"),
    ),
    graph(
        "Budget spent",
        "Share of the budget that is spent, or reserved by open leases.",
        SHARE,
        ('pool:poolscore_pool_budget_spent:ratio{pool=~"$pool"}', "{{pool}}"),
    ),
    number(
        "Budget left",
        "Labels that may still be leased.",
        COUNT,
        ('poolscore_pool_budget_left_labels{pool=~"$pool"}', "{{pool}}"),
        height=8,
    ),
)
_QUALITY = (
    graph(
        "Accuracy",
        "Of the active prompt version: on labels held out of its training, and on those given "
        "since to images that it had predicted, which are mostly doubtful ones.",
        SHARE,
        ('poolscore_pool_accuracy_ratio{pool=~"$pool"}', "{{pool}} {{origin}}"),
    ),
    graph(
        "AUROC of p_clean",
        "How well p_clean tells right predictions from wrong ones; a half is chance.",
        SHARE,
        ('poolscore_pool_p_clean_auroc_ratio{pool=~"$pool"}', "{{pool}} {{origin}}"),
    ),
    graph(
        "Calibration error of p_clean",
        "How far p_clean is from the share of predictions that are right.",
        SHARE,
        ('poolscore_pool_p_clean_calibration_error_ratio{pool=~"$pool"}', "{{pool}} {{origin}}"),
    ),
    graph(
        "Labels that judge",
        "How many labels these numbers are from.",
        COUNT,
        ('poolscore_pool_judging_labels{pool=~"$pool"}', "{{pool}} {{origin}}"),
    ),
    graph(
        "Drift between versions",
        "Share of the images of which the active prompt version predicts another class than the "
        "one before it.",
        SHARE,
        ('poolscore_pool_changed_predictions_ratio{pool=~"$pool"}', "{{pool}}"),
    ),
    graph(
        "Active prompt version",
        "A step down is a rollback.",
        COUNT,
        ('poolscore_pool_active_prompt_version{pool=~"$pool"}', "{{pool}}"),
    ),
)
_FRESH = (
    graph(
        "Ranking behind labels",
        "How much older the active ranking is than the newest answer.",
        SECONDS,
        ('poolscore_pool_ranking_lag_seconds{pool=~"$pool"}', "{{pool}}"),
    ),
    graph(
        "Answers not learned from",
        "Answers and retractions since those that the active prompt version was trained with.",
        COUNT,
        ('poolscore_pool_untrained_label_events{pool=~"$pool"}', "{{pool}}"),
    ),
    number(
        "Age of the ranking",
        "Time since the active ranking was made.",
        SECONDS,
        ('time() - poolscore_pool_ranking_timestamp_seconds{pool=~"$pool"}', "{{pool}}"),
        height=8,
    ),
    graph(
        "Last training",
        "How it ended.",
        COUNT,
        ('poolscore_pool_last_training_outcome{pool=~"$pool"} == 1', "{{pool}} {{outcome}}"),
    ),
    graph(
        "Trainings",
        "That ended within an hour, by outcome, of all pools.",
        COUNT,
        ("sum by (outcome) (increase(poolscore_trainings_total[1h]))", "{{outcome}}"),
    ),
    graph(
        "Leases that expired",
        "Share of the batches leased within an hour.",
        SHARE,
        ('pool:poolscore_pool_expired_batches:ratio1h{pool=~"$pool"}', "{{pool}}"),
    ),
)


def loop() -> Dashboard:
    """The dashboard."""
    return dashboard(
        "poolscore-loop",
        "poolscore: the loop",
        "Labels and budget, how good the active prompt version is, and how fresh the ranking.",
        [("Labels", _LABELS), ("Quality", _QUALITY), ("Freshness", _FRESH)],
    )
