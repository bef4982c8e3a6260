"""A pool with embeddings, prompts that can be loaded, and rankings made of both."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.rescore import rescore_pool
from poolscore.labels.answer import Answer, LabelInput
from poolscore.prompts.artefact import save_prompts
from poolscore.prompts.trained import TrainedPrompts
from poolscore.store.files import prompts_dir, relative
from poolscore.store.prompt_versions import add_prompt_version
from poolscore.store.record_labels import record_labels
from poolscore.store.records import Promotion
from tests.growing_pool import GrowingPool
from tests.shards_world import prompts


class RankedPool(GrowingPool):
    """The pool `p` of 20 images, with a ranking by entropy of prompt version 0."""

    def __init__(self, folder: Path, hashes: Sequence[bytes | None] | None = None) -> None:
        super().__init__(folder)
        self.grow(hashes)
        self.grow()
        self.add_version()
        self.rank(prompt_version=0)

    def add_version(self, promotion: Promotion | None = None) -> int:
        """Register prompts of their own as the next version; not ranked yet."""
        number = self.versions = getattr(self, "versions", -1) + 1
        folder = prompts_dir(self.root, "p")
        text = TrainedPrompts(prompts(seed=number + 1))
        digest, path = save_prompts(self.store[0], folder, text, {})
        uri, parent = relative(self.root, path), None if number == 0 else number - 1
        add_prompt_version(
            self.catalog, "p", digest, uri, number, number, parent, {}, promotion=promotion
        )
        return number

    def rank(
        self, *, prompt_version: int | None = None, strategy: str = "", switch: bool = True
    ) -> int:
        """Number of a new ranking."""
        outcome = rescore_pool(
            self.catalog,
            self.store,
            "p",
            snapshot=2,
            prompt_version=prompt_version,
            strategy=strategy,
            switch=switch,
        )
        return outcome.ranking.number

    def answer(self, item_id: str, answer: Answer) -> None:
        """Answer an item that nobody has leased."""
        given = [LabelInput(item_id, answer, "ann")]
        results = record_labels(
            self.catalog, "p", given, None, known_items=lambda ids: [True] * len(ids)
        )
        assert all(result.accepted for result in results), results
