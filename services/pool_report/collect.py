"""What is known of a pool, from its catalog and its file store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.places import Store
from poolscore.errors import FailedPreconditionError
from poolscore.labels.answer import Abstain, Label, answer_text
from poolscore.store import sql
from poolscore.store.annotator_answers import events_in_force
from poolscore.store.catalog import Catalog
from poolscore.store.conflicts import Conflict, list_conflicts
from poolscore.store.free_ranks import free_ranks
from poolscore.store.manifest import load_manifest
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import list_prompt_versions
from poolscore.store.ranking_file import LoadedRanking, read_ranking
from poolscore.store.rankings import get_ranking
from poolscore.store.records import LabelEvent, Pool, PromptVersion, utcnow
from poolscore.store.snapshots import get_snapshot
from services.pool_report.data import AnnotatorRow, ClassRow, ConflictRow, PoolReport
from services.pool_report.provenance import provenance
from services.pool_report.versions import version_rows
from services.report.data import RankedImage

SHEET = 24
CONFLICTS = 20


@dataclass(frozen=True)
class _Active:
    """What the page is about."""

    snapshot: int
    version: PromptVersion
    rows: LoadedRanking


def collect(catalog: Catalog, store: Store, pool_id: str) -> PoolReport:
    """Read everything but the pictures.

    Raises NotFoundError POOL_NOT_FOUND, FailedPreconditionError POOL_NOT_EMBEDDED, and what reading
    the active manifest and ranking raises.
    """
    pool = get_pool(catalog, pool_id)
    versions = _versions(catalog, pool_id)
    active = _active(catalog, store, pool, versions)
    snapshot = get_snapshot(catalog, pool_id, active.snapshot)
    rejects = load_manifest(*store, snapshot.manifest_uri, snapshot.manifest_sha256).rejects
    events = events_in_force(catalog, pool_id)
    effective = list({event.item_id: event for event in events}.values())
    conflicts, more = list_conflicts(catalog, pool_id, CONFLICTS)
    return PoolReport(
        pool=pool,
        made=utcnow(),
        rejects=rejects,
        versions=version_rows(versions, active.version.number, effective),
        classes=_classes(pool, active, effective),
        annotators=_annotators(events),
        abstained=sum(isinstance(event.answer, Abstain) for event in effective),
        untrained=sum(event.sequence > active.version.label_watermark for event in effective),
        open_p_clean=active.rows.table.column("p_clean").to_numpy(),
        sheet=_sheet(catalog, active),
        conflicts=[_conflict(each) for each in conflicts],
        more_conflicts=bool(more),
        provenance=provenance(snapshot, active.version, active.rows.record),
    )


def _versions(catalog: Catalog, pool_id: str) -> list[PromptVersion]:
    found, token = list_prompt_versions(catalog, pool_id, sql.MAX_PAGE)
    while token:
        more, token = list_prompt_versions(catalog, pool_id, sql.MAX_PAGE, token)
        found += more
    return found[::-1]


def _active(
    catalog: Catalog, store: Store, pool: Pool, versions: Sequence[PromptVersion]
) -> _Active:
    if pool.active_snapshot is None or pool.active_ranking is None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has nothing to report yet: run "
            f"'poolscore embed {pool.pool_id} SOURCE' first",
            reason="POOL_NOT_EMBEDDED",
        )
    record = get_ranking(catalog, pool.pool_id, pool.active_ranking)
    (version,) = (each for each in versions if each.number == record.prompt_version)
    return _Active(pool.active_snapshot, version, read_ranking(*store, record))


def _classes(pool: Pool, active: _Active, effective: Sequence[LabelEvent]) -> list[ClassRow]:
    labels = Counter(each.answer.label for each in effective if isinstance(each.answer, Label))
    names = active.version.classes
    counts = np.bincount(active.rows.table.column("predicted").to_numpy(), minlength=len(names))
    predicted: Mapping[str, int] = dict(zip(names, counts.tolist(), strict=True))
    return [ClassRow(name, labels[name], predicted.get(name, 0)) for name in pool.classes]


def _annotators(events: Sequence[LabelEvent]) -> list[AnnotatorRow]:
    counts = Counter(event.annotator for event in events)
    newest = {event.annotator: event.create_time for event in events}
    return [AnnotatorRow(name, count, newest[name]) for name, count in counts.most_common()]


def _sheet(catalog: Catalog, active: _Active) -> list[RankedImage]:
    rows = active.rows
    with catalog.read() as connection:
        now = sql.clock(connection)
        ranks = free_ranks(connection, rows.record.pool_id, rows, 0, SHEET, frozenset(), now)
    return [
        RankedImage(
            uri=item.uri,
            predicted=active.version.classes[item.prediction.predicted],
            probability=item.prediction.probability,
            p_clean=item.prediction.p_clean,
            reason=item.reason,
            truth=None,
        )
        for item in rows.items(ranks)
    ]


def _conflict(found: Conflict) -> ConflictRow:
    said = [(each.annotator, answer_text(each.answer)) for each in found.answers if each.answer]
    return ConflictRow(found.item_id, said)
