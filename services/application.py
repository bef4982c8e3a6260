"""The service as applications of Ray Serve, for `poolscore serve` and for Serve's own config files.

A config file names `services.application:api`, which answers calls, and
`services.application:workers`, which keeps the actors that do the runs. Both read `POOLSCORE_*`
where Ray runs them.
"""

from collections.abc import Mapping
from typing import Any

from ray import serve
from ray.serve import Application
from ray.serve.schema import LoggingConfig

from pipelines.sources.roots import SETTING, SourceRoots
from poolscore.config import Settings
from poolscore.errors import FailedPreconditionError
from poolscore.prompts.config import parse_config
from poolscore.store.catalog import Catalog
from poolscore.store.files import reach_store
from services.actors import start_workers
from services.api.ingress import Ingress, ServingRules
from services.scorer_actors import start_scorers

QUIET = LoggingConfig(log_level="WARNING", enable_access_log=False)
"""Of Serve itself: our own processes log each call."""

_CHECK_S = 10.0
"""Between two looks whether the workers are there."""


def api(arguments: Mapping[str, Any]) -> Application:
    """The gRPC API as a config file asks for it: open to other machines, so with tokens.

    Raises FailedPreconditionError SETTING_MISSING, and what `check_usable` raises; `arguments` are
    Serve's and are none.
    """
    del arguments
    settings = Settings()
    _check_shared(settings)
    check_usable(settings, local_only=False)
    return api_application(settings, local_only=False)


def workers(arguments: Mapping[str, Any]) -> Application:
    """The actors that do the runs, wherever Serve finds room."""
    del arguments
    return _KeptWorkers.bind()


def api_application(settings: Settings, *, local_only: bool) -> Application:
    """The gRPC API for callers of this machine alone, or for all."""
    rules = ServingRules(
        local_only,
        settings.asks_for_tokens(local_only),
        settings.calls_in_flight,
        settings.call_rate,
        settings.source_roots,
    )
    deployment = serve.deployment(
        name="api",
        num_replicas=settings.api_replicas,
        # Watchers hold a place each, for as long as they watch.
        max_ongoing_requests=1000,
        graceful_shutdown_timeout_s=5,
        graceful_shutdown_wait_loop_s=0.2,
        ray_actor_options={"num_cpus": 0.1},
        logging_config=QUIET,
    )(Ingress)
    return deployment.bind(settings.catalog_url, settings.store_uri, rules, settings.logs)


def check_usable(settings: Settings, *, local_only: bool) -> None:
    """Find what the processes of a service could not use: one clear error before they start.

    Raises InvalidInputError (INVALID_TRAINING, SETTING_INVALID), FailedPreconditionError
    SOURCE_ROOTS_MISSING, and what `Catalog.open` and `reach_store` raise.
    """
    SourceRoots(settings.source_roots)
    if not settings.source_roots.strip(" ,") and settings.asks_for_tokens(local_only):
        raise FailedPreconditionError(
            f"a service that is open to others must say what they may have embedded: set {SETTING} "
            "to folders and addresses, as in /data/images,s3://bucket/prefix",
            reason="SOURCE_ROOTS_MISSING",
        )
    Catalog.open(settings.catalog_url).close()
    reach_store(settings.store_uri)
    parse_config(settings.training)


def _check_shared(settings: Settings) -> None:
    """Each node of a cluster would make a catalog and a store of its own, and lose them."""
    for name, value in (("CATALOG", settings.catalog), ("STORE", settings.store)):
        if not value:
            raise FailedPreconditionError(
                f"the nodes of a cluster must share catalog and store: set POOLSCORE_{name}",
                reason="SETTING_MISSING",
            )


@serve.deployment(
    name="workers",
    ray_actor_options={"num_cpus": 0},
    health_check_period_s=_CHECK_S,
    logging_config=QUIET,
)
class _KeptWorkers:
    """Starts the actors and looks after them; they outlive it, and Ray restarts them."""

    def __init__(self) -> None:
        self._settings = Settings()
        self.check_health()

    def check_health(self) -> None:
        """Find all of them running, or start those that are gone for good."""
        start_scorers(self._settings)
        start_workers(self._settings)
