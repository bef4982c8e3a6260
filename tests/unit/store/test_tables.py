from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import update
from sqlalchemy.exc import StatementError

from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.tables import pools
from tests.store_world import POOL, add_pool


def test_times_come_back_aware_and_in_utc(catalog: Catalog) -> None:
    add_pool(catalog)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=2)))
    with catalog.write() as connection:
        connection.execute(update(pools).values(update_time=moment))
    stored = get_pool(catalog, POOL).update_time
    assert stored == moment
    assert stored.tzinfo is UTC


def test_a_naive_time_is_refused(catalog: Catalog) -> None:
    add_pool(catalog)
    with pytest.raises(StatementError, match="naive"), catalog.write() as connection:
        connection.execute(update(pools).values(update_time=datetime(2026, 1, 2)))
