"""Starts the trainer when a pool has collected enough new answers."""

from poolscore.store import label_events, pools, prompt_versions, runs
from poolscore.store.catalog import Catalog
from poolscore.store.records import RunKind


def train_when_due(catalog: Catalog, pool_id: str) -> bool:
    """Queue one training run when `train_after_labels` new answers wait; say whether it was done.

    New are the label events after the watermark of the newest prompt version. The request id names
    that watermark and how often the threshold was passed since, so that many replicas queue one run
    and a failed run is tried again only after as many answers more.
    """
    pool = pools.get_pool(catalog, pool_id)
    if pool.train_after_labels <= 0 or pool.active_snapshot is None:
        return False
    newest, _ = prompt_versions.list_prompt_versions(catalog, pool_id, page_size=1)
    watermark = newest[0].label_watermark if newest else 0
    new = label_events.events_since(catalog, pool_id, watermark)
    passed = new // pool.train_after_labels
    if passed == 0 or runs.find_unfinished_run(catalog, pool_id, RunKind.TRAIN, {}):
        return False
    runs.start_run(catalog, pool_id, RunKind.TRAIN, {}, f"auto-{watermark}-{passed}")
    return True
