"""A driver process that a test can kill: embeds a folder and says how far it is.

Arguments: the home, the source. Lines: `done <rows> resumed <rows>`.
"""

import sys
from pathlib import Path

from poolscore.store.records import RunProgress
from tests.embedding_world import EmbeddingWorld


def _say(progress: RunProgress) -> None:
    print(f"done {progress.done} resumed {progress.resumed}", flush=True)


if __name__ == "__main__":
    home, source = map(Path, sys.argv[1:])
    EmbeddingWorld.open(home).embed(source, _say)
