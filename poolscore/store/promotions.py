"""What the comparison on held-out labels said of prompt versions."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from poolscore.store.records import Promotion
from poolscore.store.tables import promotions


def insert_promotion(
    connection: Connection, pool_id: str, version: int, promotion: Promotion
) -> None:
    """Keep it, inside a transaction that holds the pool."""
    key = {"pool_id": pool_id, "prompt_version": version}
    connection.execute(promotions.insert(), key | vars(promotion))


def read_promotions(
    connection: Connection, pool_id: str, versions: Collection[int]
) -> dict[int, Promotion]:
    """Those of the versions that have one."""
    query = select(promotions).where(
        promotions.c.pool_id == pool_id, promotions.c.prompt_version.in_(versions)
    )
    found: dict[int, Promotion] = {}
    for row in connection.execute(query).mappings():
        fields = dict(row)
        del fields["pool_id"]
        version = fields.pop("prompt_version")
        found[version] = Promotion(**fields)
    return found
