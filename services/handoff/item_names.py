"""Images by the names that tools give them, for those that keep no ids."""

from collections.abc import Sequence
from pathlib import Path

from poolscore.v1.query_service_pb2 import Batch
from services.commands.file_names import file_names
from services.commands.options import item_id, last_part
from services.handoff.answered import Answered
from services.handoff.files import refuse


def item_ids(batch: Batch) -> dict[str, str]:
    """Return the item id for every file name that `lease` shows, and for the id itself."""
    ids = [item_id(item.name) for item in batch.items]
    by_file = zip(file_names([item.uri for item in batch.items]), ids, strict=True)
    return {**dict(by_file), **{each: each for each in ids}}


def with_items(path: Path, answers: Sequence[Answered], batch: Batch) -> list[str]:
    """Item ids of the answers of a file, those given by a name looked up in their batch.

    A tool may know an image by a longer or a shorter path, as long as that fits one image only.
    Raises InvalidInputError INVALID_ANSWERS_FILE.
    """
    ids = item_ids(batch)
    found = [each.item or _find(each.file, ids) for each in answers]
    strangers = [each.file for each, item in zip(answers, found, strict=True) if not item]
    if strangers:
        more = f" and {len(strangers) - 1:,} more" if len(strangers) > 1 else ""
        refuse(
            path,
            f"answers '{strangers[0]}'{more}, which fits no image of batch "
            f"{last_part(batch.name)}, or several",
            "give the batch that it was exported from with --batch, and keep the names of files",
        )
    return found


def _find(name: str, ids: dict[str, str]) -> str:
    if name in ids:
        return ids[name]
    fitting = {
        item for file, item in ids.items() if file.endswith(f"/{name}") or name.endswith(f"/{file}")
    }
    return fitting.pop() if len(fitting) == 1 else ""
