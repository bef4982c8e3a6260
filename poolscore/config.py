"""Where a deployment keeps its state, read from `POOLSCORE_*` environment variables."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from poolscore.errors import InvalidInputError


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
    """SQLAlchemy URL of the catalog; empty: SQLite in `home`."""

    store: str = ""
    """Folder or `s3://` URI of shards, rankings and prompt versions; empty: a folder in `home`."""

    address: str = "127.0.0.1:9000"
    """Where `poolscore serve` listens and where client commands connect."""

    training: str = ""
    """JSON of the hyper-parameters of training that differ from the defaults, by the field names of
    `poolscore.prompts.config.DualPromptConfig`."""

    scorers: int = Field(1, ge=0)
    """Actors of `poolscore serve` that hold embeddings in memory and score them; 0: every run reads
    them from their shards."""

    scorer_memory_gib: float = Field(4.0, gt=0)
    """Memory that one of them takes for embeddings and names; pools for which that is too little
    are read from their shards each time."""

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy URL of the catalog."""
        return self.catalog or f"sqlite:///{self.home.expanduser().resolve() / 'catalog.db'}"

    @property
    def store_uri(self) -> str:
        """Root of the file store."""
        return self.store or str(self.home.expanduser().resolve() / "store")
