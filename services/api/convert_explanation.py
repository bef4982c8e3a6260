"""Explanations as messages of the contract."""

from collections.abc import Sequence

from pipelines.item_evidence import ClassEvidence, Cluster, ItemEvidence, Reject
from poolscore.acquisition.uncertainty import uncertainty_parts
from poolscore.pool_message import timestamp
from poolscore.store.records import PromptVersion, RankedItem, Ranking
from poolscore.store.standing import ItemState, Standing
from poolscore.v1 import query_service_pb2 as pb
from services.api import names
from services.api.convert_items import prediction, ranked_item

STATES = {
    ItemState.OPEN: pb.ITEM_STATE_OPEN,
    ItemState.LEASED: pb.ITEM_STATE_LEASED,
    ItemState.ANSWERED: pb.ITEM_STATE_ANSWERED,
}

NO_RANK = -1
"""In place of the rank of an item that has none."""


def fill(
    response: pb.ExplainItemResponse,
    pool_id: str,
    item_id: str,
    classes: Sequence[str],
    strategy: str,
    row: RankedItem | None,
    found: ItemEvidence | Reject,
) -> None:
    """Put what is known of the item itself into the response."""
    name = names.child_name(pool_id, names.ITEMS, item_id)
    if isinstance(found, Reject):
        response.item.CopyFrom(pb.RankedItem(name=name, uri=found.uri, rank=NO_RANK))
        return
    if row is not None:
        # The numbers that led to the place, also where a single image is rounded another way.
        response.item.CopyFrom(ranked_item(pool_id, classes, row))
        response.uncertainty.update(uncertainty_parts(strategy, row.prediction))
    else:
        seen = prediction(classes, found.prediction)
        item = pb.RankedItem(name=name, uri=found.uri, rank=NO_RANK, prediction=seen)
        response.item.CopyFrom(item)
        response.uncertainty.update(uncertainty_parts(strategy, found.prediction))
    response.predicted.CopyFrom(_class_score(classes, found.predicted))
    response.runner_up.CopyFrom(_class_score(classes, found.runner_up))
    for near in found.neighbours:
        response.neighbours.add(
            item=names.child_name(pool_id, names.ITEMS, near.item_id),
            labels=near.labels,
            similarity=near.similarity,
        )
    if found.cluster is not None:
        response.cluster.CopyFrom(_cluster(pool_id, found.cluster))
    response.near_duplicates.extend(
        names.child_name(pool_id, names.ITEMS, each) for each in found.near_duplicates
    )


def cut(standing: Standing, last: RankedItem | None) -> pb.Cut:
    """The cut; `last` is the last item that a lease would take."""
    return pb.Cut(
        size=standing.allowed,
        budget_left=standing.budget_left,
        rank=NO_RANK if last is None else last.rank,
        utility=0.0 if last is None else last.utility,
        beaten=standing.beats_the_cut,
        why=standing.why,
    )


def provenance(ranking: Ranking, version: PromptVersion) -> pb.Provenance:
    """What a ranking was made from."""
    pool_id = ranking.pool_id
    return pb.Provenance(
        snapshot=names.child_name(pool_id, names.SNAPSHOTS, ranking.snapshot),
        encoder_digest=ranking.encoder_digest,
        prompt_version=version.name,
        prompt_digest=version.digest,
        ranking=ranking.name,
        ranking_digest=ranking.sha256,
        strategy=ranking.strategy,
        parameters={key: str(value) for key, value in ranking.parameters.items()},
        seed=ranking.seed,
        code_version=ranking.code_version,
        create_time=timestamp(ranking.create_time),
    )


def _cluster(pool_id: str, cluster: Cluster) -> pb.Cluster:
    return pb.Cluster(
        items=[names.child_name(pool_id, names.ITEMS, each) for each in cluster.items],
        same_class=cluster.same_class,
        labeled=cluster.labeled,
        similarity=cluster.similarity,
    )


def _class_score(classes: Sequence[str], evidence: ClassEvidence) -> pb.ClassScore:
    return pb.ClassScore(
        label=classes[evidence.index],
        positive_similarity=evidence.positive,
        negative_similarity=evidence.negative,
        probability=evidence.probability,
        p_clean=evidence.p_clean,
    )
