"""Files of other tools: read whole, with one message for what is wrong with one."""

import json
from pathlib import Path
from typing import Any, Never

from poolscore.errors import InvalidInputError
from poolscore.user_files import file_errors

REASON = "INVALID_ANSWERS_FILE"


def refuse(path: Path, problem: str, advice: str) -> Never:
    """Raise InvalidInputError INVALID_ANSWERS_FILE: what is wrong with the file, what to do."""
    raise InvalidInputError(f"'{path}' {problem}; {advice}", reason=REASON)


def read_text(path: Path, advice: str) -> str:
    """The text of a UTF-8 file. Raises InvalidInputError INVALID_ANSWERS_FILE."""
    with file_errors(path, advice, REASON):
        return path.read_text("utf-8-sig")


def read_json(path: Path, advice: str) -> Any:
    """What a JSON file holds. Raises InvalidInputError INVALID_ANSWERS_FILE."""
    try:
        return json.loads(read_text(path, advice))
    except json.JSONDecodeError as error:
        refuse(path, f"is no JSON: {error.msg} in line {error.lineno}", advice)
    except RecursionError:
        refuse(path, "is nested too deeply", advice)
