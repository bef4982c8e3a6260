"""Differences of two rankings as messages of the contract."""

from collections.abc import Sequence

from poolscore.store.ranking_diff import RankingDiff
from poolscore.store.records import RankedItem, Ranking
from poolscore.v1 import prompt_version_service_pb2 as pb
from services.api import names
from services.api.convert_items import prediction


def response(
    rankings: tuple[Ranking, Ranking],
    classes: tuple[Sequence[str], Sequence[str]],
    diff: RankingDiff,
) -> pb.DiffPromptVersionsResponse:
    """What differs between the rankings before and after; `classes` are those of their versions."""
    before, after = rankings
    pool_id = before.pool_id
    versions = [
        names.child_name(pool_id, names.PROMPT_VERSIONS, each.prompt_version) for each in rankings
    ]
    return pb.DiffPromptVersionsResponse(
        changes=[_change(pool_id, classes, was, now) for was, now in diff.changes],
        ranking_before=before.name,
        ranking_after=after.name,
        common=diff.common,
        only_before=diff.only_before,
        only_after=diff.only_after,
        class_changes=diff.class_changes,
        rank_correlation=diff.rank_correlation,
        version_before=versions[0],
        version_after=versions[1],
    )


def _change(
    pool_id: str,
    classes: tuple[Sequence[str], Sequence[str]],
    was: RankedItem,
    now: RankedItem,
) -> pb.ItemChange:
    classes_before, classes_after = classes
    return pb.ItemChange(
        item=names.child_name(pool_id, names.ITEMS, was.item_id),
        uri=now.uri,
        label_before=classes_before[was.prediction.predicted],
        label_after=classes_after[now.prediction.predicted],
        rank_before=was.rank,
        rank_after=now.rank,
        prediction_before=prediction(classes_before, was.prediction),
        prediction_after=prediction(classes_after, now.prediction),
    )
