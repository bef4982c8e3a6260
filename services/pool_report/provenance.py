"""What the active ranking was made from."""

from collections.abc import Mapping

from poolscore import __version__
from poolscore.store.records import PromptVersion, Ranking, Snapshot


def provenance(snapshot: Snapshot, version: PromptVersion, ranking: Ranking) -> Mapping[str, str]:
    """The same makes the same ranking, byte for byte."""
    parameters = ", ".join(f"{key} {value}" for key, value in sorted(ranking.parameters.items()))
    return {
        "snapshot": snapshot.name,
        "manifest": snapshot.manifest_sha256,
        "encoder digest": ranking.encoder_digest,
        "prompt version": version.name,
        "prompts": version.digest,
        "ranking": ranking.name,
        "ranking file": ranking.sha256,
        "strategy": f"{ranking.strategy} ({parameters})" if parameters else ranking.strategy,
        "seed": str(ranking.seed),
        "ranked by": f"poolscore {ranking.code_version}",
        "ranked at": f"{ranking.create_time:%Y-%m-%d %H:%M:%S} UTC",
        "this page by": f"poolscore {__version__}",
    }
