"""What callers are told of an error: nothing of where this service keeps its things."""

import logging
import uuid
from typing import NamedTuple

from poolscore.errors import PoolscoreError

_CATALOG = "the service cannot use its catalog"
_STORE = "the service cannot use its file store"
_FILE = "a file of the service's file store is missing or damaged"

# Errors of the deployment by their reasons. Their messages name files, hosts and databases: right
# for the operator, who reads the log or runs commands on the machine itself.
_OF_THE_DEPLOYMENT = {
    "CATALOG_BUSY": "the service's catalog is busy; try again",
    "CATALOG_UNREACHABLE": _CATALOG,
    "CATALOG_URL_INVALID": _CATALOG,
    "CATALOG_TOO_NEW": _CATALOG,
    "STORE_UNREACHABLE": _STORE,
    "STORE_URI_INVALID": _STORE,
    "FILE_NOT_FOUND": _FILE,
    "FILE_EXISTS": _FILE,
    "RANKING_CORRUPT": _FILE,
    "MANIFEST_EXISTS": _FILE,
    "MANIFEST_CORRUPT": _FILE,
    "SHARD_NOT_FOUND": _FILE,
    "SHARD_CORRUPT": _FILE,
    "GRAPH_CORRUPT": _FILE,
    "PROMPTS_CORRUPT": _FILE,
    "PROMPTS_FORMAT": _FILE,
}

_log = logging.getLogger(__name__)


class Told(NamedTuple):
    """What a caller is told."""

    message: str
    incident: str = ""
    """Where the log has what the message does not say; empty: it says all."""


def told(error: PoolscoreError) -> Told:
    """The error's message, or a general one whose incident leads to it in the log."""
    general = _OF_THE_DEPLOYMENT.get(error.reason)
    if general is None:
        return Told(error.message)
    incident = uuid.uuid4().hex
    _log.error("incident %s: %s", incident, error.message, extra={"incident": incident})
    text = f"{general}; the server's log has the details under incident {incident}"
    return Told(text, incident)
