"""A visual tuning as a file: safetensors with a JSON document, never pickle.

The document holds configuration, base encoder, classes, seed, metrics and the sha256 of what was
learned, by which a pool knows it again under whatever name the file has.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyarrow import fs
from pydantic import TypeAdapter
from safetensors.torch import load

from poolscore.encoder.visual_tuning.config import VisualTuningConfig
from poolscore.encoder.visual_tuning.tuning import BaseEncoder, VisualTuning
from poolscore.errors import AlreadyExistsError, InvalidInputError
from poolscore.store.files import write_once
from poolscore.store.tensor_file import document_of, pack
from poolscore.user_files import file_errors

FORMAT = "poolscore-visual-tuning/1"
_ANOTHER = "name another file with --out"
_CONFIG: TypeAdapter[Any] = TypeAdapter(VisualTuningConfig)


def check_new(path: Path) -> None:
    """Refuse before a training what `save_tuning` could not write after it.

    Raises AlreadyExistsError FILE_EXISTS and InvalidInputError TUNING_UNWRITABLE.
    """
    if path.exists():
        raise AlreadyExistsError(
            f"'{path}' exists, and pools may need it as it is; name another file with --out",
            reason="FILE_EXISTS",
        )
    with file_errors(path.parent, _ANOTHER, "TUNING_UNWRITABLE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()


def save_tuning(tuning: VisualTuning, path: Path) -> None:
    """Write the file, whole or not at all.

    Pools refer to it, so it is never overwritten: raises AlreadyExistsError FILE_EXISTS when
    `path` holds another tuning, and InvalidInputError TUNING_UNWRITABLE.
    """
    document = {
        "format": FORMAT,
        "config": tuning.config.model_dump(mode="json"),
        "base": asdict(tuning.base),
        "classes": tuning.classes,
        "seed": tuning.seed,
        "metrics": tuning.metrics,
        "digest": tuning.digest,
    }
    with file_errors(path, _ANOTHER, "TUNING_UNWRITABLE"):
        write_once(fs.LocalFileSystem(), str(path.absolute()), pack(tuning.tensors, document))


def load_tuning(path: Path) -> VisualTuning:
    """Read a file of `save_tuning`.

    Raises InvalidInputError: TUNING_UNREADABLE, TUNING_FORMAT when it is something else and
    TUNING_CORRUPT when it is not what was written.
    """
    with file_errors(path, "give a file that 'poolscore tune' wrote", "TUNING_UNREADABLE"):
        data = path.read_bytes()
    document = document_of(data)
    if document.get("format") != FORMAT:
        raise InvalidInputError(
            f"'{path}' holds {document.get('format', 'no visual tuning')}, this version of "
            f"poolscore reads {FORMAT}; give a file that 'poolscore tune' wrote",
            reason="TUNING_FORMAT",
        )
    try:
        tuning = VisualTuning(
            config=_CONFIG.validate_python(document["config"]),
            tensors=load(data),
            base=BaseEncoder(**document["base"]),
            classes=tuple(document["classes"]),
            seed=document["seed"],
            metrics=document["metrics"],
        )
        intact = tuning.digest == document["digest"]
    except Exception as error:  # cut or changed bytes fail in as many ways as there are parsers
        raise _corrupt(path) from error
    if not intact:
        raise _corrupt(path)
    return tuning


def _corrupt(path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"The visual tuning '{path}' was damaged or changed; restore it from a copy, or make it "
        "again with 'poolscore tune'",
        reason="TUNING_CORRUPT",
    )
