"""The audit trail beside the state of the catalog."""

import tempfile
from collections.abc import Iterator

from sqlalchemy import Connection

from poolscore.errors import FailedPreconditionError
from poolscore.integrity.finding import Finding, Rule
from poolscore.store.catalog import Catalog
from poolscore.store.compare_catalogs import Difference, compare_catalogs
from poolscore.store.replay import replay
from poolscore.store.tables import metadata

_ADVICE = (
    "the catalog was changed by something else than poolscore: restore it from a backup of before"
)


def check_trail(connection: Connection) -> Iterator[Finding]:
    """Replay the trail into a catalog of its own, in a temporary file, and compare."""
    with tempfile.TemporaryDirectory(prefix="poolscore-verify-") as folder:
        scratch = Catalog(f"sqlite:///{folder}/catalog.db")
        try:
            with scratch.write() as target:
                metadata.create_all(target)  # without what only migrations make: triggers
                replay(connection, target)
                for difference in compare_catalogs(connection, target):
                    yield _finding(difference)
        except FailedPreconditionError as error:
            pool = error.metadata["pool"]
            yield Finding(Rule.TRAIL, f"pools/{pool}" if pool else "tokens", error.message, _ADVICE)
        finally:
            scratch.close()


def _finding(difference: Difference) -> Finding:
    table, key, columns, here = difference
    row = f"the row {', '.join(map(str, key))} of {table}"
    what = f"{row} came past the audit trail" if here else f"{row} is missing"
    if columns:
        what = f"{row} was changed past the audit trail: {', '.join(columns)}"
    rule = Rule.LEASES if table == "item_leases" else Rule.TRAIL
    return Finding(rule, table if table == "api_tokens" else f"pools/{key[0]}", what, _ADVICE)
