"""What a forked process can be told, and what it answers."""

from dataclasses import dataclass

from google.protobuf.message import Message


@dataclass(frozen=True)
class Ask:
    """Call a method of the API, as Serve's proxy would."""

    method: str
    request: Message
    die_at: int
    """Kill yourself at so many events of the database; 0: live."""


@dataclass(frozen=True)
class Train:
    """Claim a training run and do it."""

    die_at: int


Command = Ask | Train


@dataclass(frozen=True)
class Refused:
    """An error that a caller would get."""

    reason: str


@dataclass(frozen=True)
class Broken:
    """What no caller must ever get; a crash is silent instead."""

    traceback: str


@dataclass(frozen=True)
class Trained:
    """The run that a trainer has done; 0: there was none."""

    run: int
