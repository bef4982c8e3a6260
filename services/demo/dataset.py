"""Labeled photographs as the demo uses them: a pool for the service, and the truth apart."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from poolscore.evaluation.labeled_folder import LabeledFolder


@dataclass(frozen=True)
class Dataset:
    """A labeled folder; the service never sees its labels."""

    folder: LabeledFolder
    own_folder: Path | None = None
    """A folder that holds the pool and nothing else."""

    @property
    def classes(self) -> Sequence[str]:
        """Class names, sorted."""
        return self.folder.classes

    @property
    def test(self) -> Sequence[tuple[Path, str]]:
        """Image and class of every image that only measures accuracy."""
        return self.folder.test

    @cached_property
    def pool(self) -> Mapping[str, str]:
        """File URI -> class of every image that may be leased."""
        return {path.as_uri(): name for path, name in self.folder.pool}

    def source(self, out: Path) -> str:
        """What `embed` is given: the pool's own folder, or a list of its paths in `out`."""
        if self.own_folder is not None:
            return str(self.own_folder)
        listing = out / "pool.csv"
        with listing.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["uri"])
            writer.writerows([uri] for uri in self.pool)
        return str(listing)
