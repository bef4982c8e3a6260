import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from poolscore.errors import FailedPreconditionError, NotFoundError
from poolscore.scoring.types import Scores
from poolscore.store.files import open_store
from poolscore.store.ranking_file import LoadedRanking, ranking_table, read_ranking, write_ranking
from poolscore.store.records import Prediction, RankedItem
from tests.store_world import item, rows


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path))
    first = write_ranking(filesystem, f"{root}/a", rows(50))
    pieces = pa.concat_tables([rows(50).slice(0, 20), rows(50).slice(20)])
    second = write_ranking(filesystem, f"{root}/b", pieces)
    assert first[1] == second[1] == hashlib.sha256(Path(first[0]).read_bytes()).hexdigest()
    assert Path(first[0]).read_bytes() == Path(second[0]).read_bytes()
    assert first[0] == f"{root}/a/{first[1]}.parquet"
    assert write_ranking(filesystem, f"{root}/a", rows(50)) == first
    assert write_ranking(filesystem, f"{root}/a", rows(49))[1] != first[1]


def test_rows_are_read_by_rank(ranking: LoadedRanking) -> None:
    assert len(ranking) == 20
    assert ranking.ids(18, 30) == [item(18), item(19)]
    assert ranking.ids(20, 30) == ranking.ids(5, 5) == []
    prediction = Prediction(2, 0.25, 0.125, 0.0625, 0.75)
    fifth = RankedItem(item(5), f"/images/{item(5)}.jpg", 5, 15.0, "unsure", prediction)
    assert ranking.items([5]) == [fifth]
    assert [found.rank for found in ranking.items([7, 3])] == [7, 3]
    assert ranking.items([]) == []


def test_a_changed_or_missing_file_is_noticed(ranking: LoadedRanking, tmp_path: Path) -> None:
    filesystem, root = open_store(str(tmp_path / "store"))
    path = tmp_path / "store" / ranking.record.uri
    assert read_ranking(filesystem, root, ranking.record).table == ranking.table
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(FailedPreconditionError) as caught:
        read_ranking(filesystem, root, ranking.record)
    assert caught.value.reason == "RANKING_CORRUPT"
    with pytest.raises(NotFoundError):
        read_ranking(filesystem, root, replace(ranking.record, uri="nope"))


def test_a_utility_must_be_a_number() -> None:
    one = np.ones(1, np.float32)
    scores = Scores(np.zeros(1, np.int32), one, one, one, one)
    with pytest.raises(ValueError, match="finite"):
        ranking_table(pa.array(["a"]), pa.array(["b"]), np.array([np.nan]), ["r"], scores)
