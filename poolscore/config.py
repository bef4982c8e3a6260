"""The settings of a deployment, read from `POOLSCORE_*` environment variables."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from poolscore.errors import InvalidInputError
from poolscore.tls import Tls

LogFormat = Literal["json", "text"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class LogSettings(NamedTuple):
    """How a process logs."""

    format: LogFormat = "json"
    level: LogLevel = "INFO"


class Settings(BaseSettings):
    """Deployment settings; every field is the environment variable `POOLSCORE_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="POOLSCORE_", frozen=True)

    def __init__(self, **values: Any) -> None:
        """Read what `values` does not say. Raises InvalidInputError SETTING_INVALID."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInputError(
                f"POOLSCORE_{str(first['loc'][0]).upper()} is '{first['input']}': {first['msg']}",
                reason="SETTING_INVALID",
            ) from error

    home: Path = Path.home() / ".poolscore"
    """Folder of the embedded catalog and store."""

    catalog: str = ""
    """URL of the catalog's SQLite or PostgreSQL database; empty: SQLite in `home`."""

    store: str = ""
    """Folder or `s3://` URI of shards, rankings and prompt versions; empty: a folder in `home`."""

    address: str = "127.0.0.1:9000"
    """Where `poolscore serve` listens and where client commands connect, these also to
    `https://host:port` of an edge that speaks TLS."""

    tokens: Literal["auto", "always", "never"] = "auto"
    """Whether the service asks callers for a token; `auto`: when it answers other machines."""

    token: str = ""
    """What client commands send."""

    api_replicas: int = Field(1, ge=1)
    """Processes that answer calls. Each keeps its own rankings, tokens and counts of calls."""

    tls_ca: Path | None = None
    """PEM file of the authorities that clients trust with `https://` addresses; none: those that
    the machine trusts."""

    tls_certificate: Path | None = None
    """PEM file of the certificate that clients show."""

    tls_key: Path | None = None
    """PEM file of its key; none: it is in the same file."""

    calls_in_flight: int = Field(256, ge=0)
    """Calls of one caller that each replica answers at a time; 0: any number."""

    call_rate: float = Field(1000.0, ge=0)
    """Calls of one caller a second to each replica; 0: any number."""

    source_roots: str = ""
    """Folders and `s3://` or `gs://` addresses, with commas between, that runs of `poolscore serve`
    and the page of `poolscore review` may read images from; empty: any, which a service that asks
    for tokens does not take."""

    training: str = ""
    """JSON of the hyper-parameters of training that differ from the defaults, by the field names of
    `poolscore.prompts.config.DualPromptConfig`."""

    scorers: int = Field(1, ge=0)
    """Actors of `poolscore serve` that hold embeddings in memory and score them; 0: every run reads
    them from their shards."""

    scorer_memory_gib: float = Field(4.0, gt=0)
    """Memory that one of them takes for embeddings and names; pools for which that is too little
    are read from their shards each time."""

    log_format: LogFormat = "json"
    """How the processes of the service log: a JSON object a line, or text for people."""

    log_level: LogLevel = "INFO"
    """From which level on."""

    metrics_address: str = "127.0.0.1:9001"
    """Where `poolscore serve` and `poolscore exporter` show the metrics of pools; empty: `serve`
    shows none."""

    review_address: str = "127.0.0.1:9003"
    """Where `poolscore review` shows its page."""

    ray_metrics_port: int = Field(0, ge=0, le=65535)
    """Port of this machine's Ray for the metrics of processes when `poolscore serve` starts it; 0:
    any free one."""

    def asks_for_tokens(self, local_only: bool) -> bool:
        """Whether a service that answers this machine alone, or others too, wants tokens."""
        return self.tokens == "always" or (self.tokens == "auto" and not local_only)

    @property
    def logs(self) -> LogSettings:
        """How processes log."""
        return LogSettings(self.log_format, self.log_level)

    @property
    def tls(self) -> Tls:
        """Files of clients for `https://` addresses."""
        return Tls(self.tls_ca, self.tls_certificate, self.tls_key)

    @property
    def catalog_url(self) -> str:
        """URL of the catalog's database."""
        return self.catalog or f"sqlite:///{self.home.expanduser().resolve() / 'catalog.db'}"

    @property
    def store_uri(self) -> str:
        """Root of the file store."""
        return self.store or str(self.home.expanduser().resolve() / "store")
