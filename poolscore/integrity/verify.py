"""Every invariant, checked on a store that may be in use; nothing is written to it."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from poolscore.errors import FailedPreconditionError
from poolscore.integrity.answers import check_answers
from poolscore.integrity.finding import Finding
from poolscore.integrity.leasing import check_leases
from poolscore.integrity.provenance import check_provenance
from poolscore.integrity.stored_files import FileChecks, Registered, Store, registered_files
from poolscore.integrity.trail import check_trail
from poolscore.store.catalog import Catalog
from poolscore.store.catalog_url import display_url
from poolscore.store.migrate import is_newest
from poolscore.store.tables import audit_events, batches, label_events, pools

SHOWN = 20
"""Findings of one check of one pool or file; more of a kind are only counted."""

Progress = Callable[[str, int, int], None]
"""Told what is looked at, how many were, and how many there are."""


@dataclass
class Report:
    """What was looked at and what is broken."""

    looked_at: Counter[str] = field(default_factory=Counter[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    more: int = 0
    """Findings that are not listed, because there are so many like them."""

    def add(self, found: Iterable[Finding]) -> None:
        """Keep the first findings of a check and count the others."""
        for count, finding in enumerate(found):
            if count < SHOWN:
                self.findings.append(finding)
            else:
                self.more += 1


def verify_store(
    catalog: Catalog, store: Store, *, quick: bool = False, progress: Progress | None = None
) -> Report:
    """Check the catalog as it is at one moment, then the files that it names.

    `quick` looks whether files are there and reads only manifests and prompt artefacts; without it
    every byte is read. Files that come meanwhile are not looked at, and files are never removed, so
    that a service may go on. Raises FailedPreconditionError CATALOG_TOO_OLD, UnavailableError
    CATALOG_UNREACHABLE or STORE_UNREACHABLE.
    """
    if not is_newest(catalog):
        raise FailedPreconditionError(
            f"the catalog {display_url(catalog.url)} does not have the schema of this poolscore; "
            "'poolscore pool list' brings an older one to it",
            reason="CATALOG_TOO_OLD",
        )
    report, say = Report(), progress or (lambda *_: None)
    with catalog.read() as connection:
        check_catalog(connection, report, say)
        named = registered_files(connection)
    files = FileChecks(store, quick=quick)
    for done, each in enumerate(named):
        say("files", done, len(named))
        report.add(files.check(each))
        report.looked_at[_kind(each)] += 1
    say("files", len(named), len(named))
    return report


def check_catalog(connection: Connection, report: Report, say: Progress = lambda *_: None) -> None:
    """Check what can be seen without the file store, in one transaction."""
    rows = connection.execute(select(pools).order_by(pools.c.pool_id)).all()
    for done, pool in enumerate(rows):
        say("pools", done, len(rows))
        report.add(check_provenance(connection, pool))
        report.add(check_leases(connection, pool.pool_id))
        report.add(check_answers(connection, pool))
    say("audit trail", 0, 1)
    report.add(check_trail(connection))
    for table, name in (
        (pools, "pools"),
        (batches, "batches"),
        (label_events, "label events"),
        (audit_events, "audit events"),
    ):
        report.looked_at[name] = connection.scalar(select(func.count()).select_from(table)) or 0


def _kind(registered: Registered) -> str:
    return {
        "Snapshot": "snapshots",
        "Artefact": "prompt versions",
        "Ranking": "rankings",
        "NeighbourGraph": "neighbour graphs",
    }[type(registered).__name__]
