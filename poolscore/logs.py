"""Log lines of a process that stays up: one JSON object a line, or text, to standard error.

Modules log with `logging.getLogger(__name__)` and put fields into `extra`. What a call or a run is
about is bound with `structlog.contextvars` and stands in every line that is written meanwhile.
"""

import logging
import re
import sys
import traceback

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from poolscore.config import LogFormat, LogSettings

OWN = ("poolscore", "pipelines", "services")
"""Loggers that the level is for; others are heard from WARNING on."""

_SECRETS = re.compile(r"(ps_[a-z0-9]{12}_)[A-Za-z0-9_-]{43}|(://[^:/@\s\"]*:)[^@/\s\"]+(?=@)")
_LEADING = ("time", "level", "event")
_MADE = ("message", "asctime")
"""What formatters make of a record and leave in it."""
_FRAMES = 20


class _Handler(logging.StreamHandler):  # pyright: ignore[reportMissingTypeArgument]
    """Marks what `configure_logs` has added."""


def configure_logs(settings: LogSettings) -> None:
    """Write this process's log lines to standard error; once more replaces what was set."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(_formatter(settings.format))
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    for name in OWN:
        logging.getLogger(name).setLevel(settings.level)


def _formatter(form: LogFormat) -> logging.Formatter:
    render = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, timestamp_key="time")
    )
    return _Formatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(_where),
            _lead,
            render,
        ],
    )


def _lead(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Put what every line has in front."""
    del logger, method
    leading = {name: event.pop(name) for name in _LEADING}
    # Ray leaves marks of its own on records.
    rest = {k: v for k, v in event.items() if k not in _MADE and not k.startswith("_")}
    return leading | rest


def _where(exc_info: ExcInfo) -> str:
    """An exception in one line: its class, its text, and where it came from, innermost first, by
    module and line. A traceback would show source text and where the service is installed."""
    kind, value, trace = exc_info
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(trace)
    ]
    return " < ".join([f"{kind.__name__}: {value}", *reversed(frames[-_FRAMES:])])


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Takes tokens and the passwords of addresses out; an exception's text may quote one."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRETS.sub(lambda found: f"{found[1] or found[2]}***", super().format(record))
