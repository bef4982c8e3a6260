"""What somebody has answered in another tool."""

from collections.abc import Iterable
from dataclasses import dataclass

from poolscore.labels.answer import CANNOT_TELL, SEPARATOR
from poolscore.v1 import label_service_pb2 as pb


@dataclass(frozen=True)
class Answered:
    """One image and what was said of it; the image is known by `item` or, without, by `file`."""

    answer: pb.Answer
    item: str = ""
    """Item id or resource name."""
    file: str = ""
    """Name of the image in a tool that keeps no ids."""
    annotator: str = ""
    """Empty where the tool does not say who it was."""
    batch: str = ""
    """Resource name of the batch; empty where the tool does not keep it."""


def answer_of(names: Iterable[str]) -> pb.Answer:
    """The answer that these classes make: one is the label, several are candidates.

    None at all, or "?" alone, says that the annotator cannot tell.
    """
    different = list(dict.fromkeys(names))
    if different in ([], [CANNOT_TELL]):
        return pb.Answer(abstain=pb.Abstain())
    if len(different) == 1:
        return pb.Answer(label=different[0])
    return pb.Answer(candidates=pb.Candidates(labels=different))


def parse_answer(text: str) -> pb.Answer:
    """Read an answer as people write it: a class, `A|B`, or `?`."""
    if SEPARATOR in text:
        names = [part.strip() for part in text.split(SEPARATOR)]
        return pb.Answer(candidates=pb.Candidates(labels=names))
    return answer_of([text])
