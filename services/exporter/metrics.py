"""The metrics that the exporter shows. Of pools that are deleted it shows nothing."""

from poolscore.metric import counter, gauge

CATALOG_UP = gauge(
    "poolscore_catalog_up",
    "1: the catalog was read for this answer; 0: it could not be, and nothing else is shown.",
)
SCRAPE_SECONDS = gauge(
    "poolscore_catalog_read_duration_seconds", "Time that reading the catalog took for this answer."
)
IMAGES = gauge(
    "poolscore_pool_images", "Images of the active snapshot, embedded and rejected.", "pool"
)
EMBEDDED = gauge(
    "poolscore_pool_embedded_images", "Images of the active snapshot with an embedding.", "pool"
)
REJECTED = gauge(
    "poolscore_pool_rejected_images",
    "Images of the active snapshot that could not be embedded, by reason; `UNKNOWN` while the "
    "snapshot's manifest cannot be read from the store.",
    "pool",
    "reason",
)
LABELS = gauge(
    "poolscore_pool_labels",
    "Images with an answer in force, by kind: `label`, `candidates`, `abstain`.",
    "pool",
    "kind",
)
LABEL_EVENTS = counter(
    "poolscore_pool_label_events_total",
    "Answers and retractions ever recorded; its rate is how fast people label.",
    "pool",
)
CLASSES = gauge("poolscore_pool_classes", "Classes of the pool.", "pool")
CLASS_COVERAGE = gauge(
    "poolscore_pool_class_coverage_ratio",
    "Share of the classes, 0 to 1, that at least one label in force names.",
    "pool",
)
BUDGET = gauge(
    "poolscore_pool_budget_labels", "Labels that may be bought; absent without a limit.", "pool"
)
SPENT = gauge("poolscore_pool_spent_labels", "Labels that the answers in force cost.", "pool")
BUDGET_LEFT = gauge(
    "poolscore_pool_budget_left_labels",
    "Labels that are neither spent nor reserved by open leases; below 0 where late answers went "
    "beyond the budget; absent without a limit.",
    "pool",
)
LEASED = gauge(
    "poolscore_pool_leased_images",
    "Leased images by `state`: `open`, or `expired` until the next lease takes them back.",
    "pool",
    "state",
)
BATCHES = gauge(
    "poolscore_pool_batches",
    "Batches ever leased, by state: `open`, `done`, `released`, or `expired` before all their "
    "images were answered; 0 where there are none.",
    "pool",
    "state",
)
PROMPT_VERSION = gauge(
    "poolscore_pool_active_prompt_version",
    "Number of the active prompt version; 0 is zero-shot.",
    "pool",
)
NEW_LABEL_EVENTS = gauge(
    "poolscore_pool_untrained_label_events",
    "Answers and retractions that the active prompt version has not learned from.",
    "pool",
)
JUDGING_LABELS = gauge(
    "poolscore_pool_judging_labels",
    "Labels that judge the active prompt version, by origin: `held_out` of its training, or "
    "`answered` since to images that it had predicted, which are mostly doubtful ones. "
    "What follows is absent without such labels.",
    "pool",
    "origin",
)
ACCURACY = gauge(
    "poolscore_pool_accuracy_ratio",
    "Share of these labels, 0 to 1, that the active prompt version predicted.",
    "pool",
    "origin",
)
AUROC = gauge(
    "poolscore_pool_p_clean_auroc_ratio",
    "How well p_clean tells right predictions from wrong ones among them: area under the ROC "
    "curve, 0.5 by chance. Absent while all are right, or all wrong.",
    "pool",
    "origin",
)
CALIBRATION_ERROR = gauge(
    "poolscore_pool_p_clean_calibration_error_ratio",
    "How far p_clean is from the share of predictions that are right among them: expected "
    "calibration error over 15 bins, 0 at best.",
    "pool",
    "origin",
)
CHANGED = gauge(
    "poolscore_pool_changed_predictions_ratio",
    "Share of the images, 0 to 1, of which the active prompt version predicts another class than "
    "its parent, which was active when it was trained; of 2,000 images at most. Absent for "
    "zero-shot.",
    "pool",
)
RANKING_TIME = gauge(
    "poolscore_pool_ranking_timestamp_seconds",
    "Unix time at which the active ranking was made.",
    "pool",
)
LABEL_TIME = gauge(
    "poolscore_pool_newest_label_timestamp_seconds",
    "Unix time of the newest answer or retraction.",
    "pool",
)
RANKING_LAG = gauge(
    "poolscore_pool_ranking_lag_seconds",
    "How much older the active ranking is than the newest answer; 0 when it is newer.",
    "pool",
)
TRAINING = gauge(
    "poolscore_pool_last_training_outcome",
    "1 for how the last training ended, 0 for the other outcomes: `promoted`, `refused` by the "
    "held-out labels, `failed`. Absent before the first one; those cancelled do not count.",
    "pool",
    "outcome",
)
TRAINING_TIME = gauge(
    "poolscore_pool_last_training_timestamp_seconds",
    "Unix time at which that training ended.",
    "pool",
)
RUN_ITEMS = gauge(
    "poolscore_pool_run_items",
    "What the running runs have to do: images of `embed`, searches of `neighbours`, steps of "
    "`train`; 0 where nothing is counted. Absent while none of the kind is running.",
    "pool",
    "kind",
)
RUN_DONE = gauge(
    "poolscore_pool_run_done_items",
    "What of it they have done; part of it perhaps in an earlier attempt.",
    "pool",
    "kind",
)
RUN_UPDATES = gauge(
    "poolscore_pool_run_updates",
    "Changes of the running runs that watchers have seen. While it stands still, nothing moves.",
    "pool",
    "kind",
)
RUNS = gauge(
    "poolscore_pool_runs",
    "Runs by kind (`embed`, `rescore`, `neighbours`, `train`) and state (`pending`, `running`, "
    "`succeeded`, `failed`, `cancelled`); 0 where there are none.",
    "pool",
    "kind",
    "state",
)

EXPORTER_METRICS = (
    CATALOG_UP,
    SCRAPE_SECONDS,
    IMAGES,
    EMBEDDED,
    REJECTED,
    LABELS,
    LABEL_EVENTS,
    CLASSES,
    CLASS_COVERAGE,
    BUDGET,
    SPENT,
    BUDGET_LEFT,
    LEASED,
    BATCHES,
    PROMPT_VERSION,
    NEW_LABEL_EVENTS,
    JUDGING_LABELS,
    ACCURACY,
    AUROC,
    CALIBRATION_ERROR,
    CHANGED,
    RANKING_TIME,
    LABEL_TIME,
    RANKING_LAG,
    TRAINING,
    TRAINING_TIME,
    RUN_ITEMS,
    RUN_DONE,
    RUN_UPDATES,
    RUNS,
)
