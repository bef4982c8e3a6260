"""A study from labeled folders to its page: what `poolscore evaluate` does."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from poolscore import __version__
from poolscore.acquisition.registry import strategy_names
from poolscore.encoder.encoder import Encoder
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.arms import (
    JOINT_CONTROL,
    JOINT_DEFAULT,
    Arm,
    candidate_arms,
    fingerprint,
    joint_arms,
    selection_arms,
)
from poolscore.evaluation.labeled_folder import LabeledFolder
from poolscore.evaluation.labeled_set import LabeledSet, embed_labeled_folder
from poolscore.evaluation.records import Cell, Protocol, Table
from poolscore.evaluation.study import Plan, run_tasks
from poolscore.evaluation.study_file import StudyFile
from poolscore.evaluation.study_page import Arms, write_study_page
from poolscore.folder_lock import hold
from poolscore.store.pool_rules import DEFAULT_STRATEGY
from poolscore.user_files import file_errors

NOISES = (0.1, 0.3, 0.5)
"""Probabilities of a wrong class in a candidate set."""


@dataclass(frozen=True)
class Request:
    """What is studied."""

    folders: Sequence[LabeledFolder]
    out: Path
    cache: Path
    """Folder of the embeddings."""
    strategies: Sequence[str]
    """Of the selection table."""
    protocols: Sequence[Protocol]
    tables: Sequence[Table]
    seeds: int
    template: str
    encoder: EncoderSpec
    processes: int


class Watcher(Interface):
    """Is told what happens."""

    def embedding(self, name: str, done: int, total: int) -> None:
        """Images of a set, while it is embedded."""
        ...

    def simulating(self, done: int, total: int, cell: Cell | None) -> None:
        """Simulations, with the one that has just ended."""
        ...


def evaluate(request: Request, watcher: Watcher) -> Path:
    """Do what the study of `request.out` lacks, write its page and return that.

    Every finished simulation is kept at once in `study.json`. `preface.md` and `closing.md` in the
    folder frame the page, which is written too when the study is stopped. Raises InvalidInputError
    for strategies, images and files that cannot be used, FailedPreconditionError OUT_IN_USE,
    PoolscoreError STUDY_WORKER_DIED.
    """
    _make(request.out)
    with hold(request.out / "study.lock", "study"):
        return _evaluate(request, watcher)


def _evaluate(request: Request, watcher: Watcher) -> Path:
    arms = _arms(request)
    encoder = load_encoder(request.encoder, device="auto")
    sets = [_embed(folder, encoder, request, watcher) for folder in request.folders]
    file = StudyFile(request.out / "study.json", _settings(sets, encoder, request.template))
    tasks = Plan(sets, arms, request.protocols, request.seeds, NOISES).tasks()
    missing = [task for task in tasks if not file.done(task.key)]
    done = len(tasks) - len(missing)
    watcher.simulating(done, len(tasks), None)
    spec = request.encoder.model_copy(update={"precision": encoder.precision})
    try:
        with closing(run_tasks(missing, sets, spec, request.processes)) as cells:
            for cell in cells:
                file.add(cell)
                done += 1
                watcher.simulating(done, len(tasks), cell)
    finally:
        page = _write_page(request.out, file)
    return page


def _make(out: Path) -> None:
    with file_errors(out, "name a folder that can be written with --out", "OUT_NOT_USABLE"):
        out.mkdir(parents=True, exist_ok=True)
        (out / "study.lock").touch()


def _write_page(out: Path, file: StudyFile) -> Path:
    """Write the page of everything that the study holds by now."""
    before, after = (_note(out / name) for name in ("preface.md", "closing.md"))
    arms = Arms(DEFAULT_STRATEGY, JOINT_DEFAULT, JOINT_CONTROL)
    write_study_page(out, file.study, arms, before or "# Study", after)
    return out / "README.md"


def _note(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _arms(request: Request) -> list[Arm]:
    by_table = {
        Table.SELECTION: selection_arms(request.strategies),
        Table.JOINT: joint_arms(DEFAULT_STRATEGY),
        Table.CANDIDATES: candidate_arms(),
    }
    return [arm for table in request.tables for arm in by_table[table]]


def _embed(
    folder: LabeledFolder, encoder: Encoder, request: Request, watcher: Watcher
) -> LabeledSet:
    return embed_labeled_folder(
        folder,
        encoder,
        request.template,
        request.cache / "embeddings.npz",
        lambda done, total: watcher.embedding(folder.name, done, total),
    )


def _settings(sets: Sequence[LabeledSet], encoder: Encoder, template: str) -> dict[str, str]:
    """What every number depends on."""
    of_sets = {f"images of {data.name}": data.digest for data in sets}
    return {
        "poolscore": __version__,
        "encoder": encoder.digest,
        "template": template,
        "arms": fingerprint(strategy_names(), DEFAULT_STRATEGY),
    } | of_sets
