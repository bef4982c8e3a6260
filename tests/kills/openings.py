"""How often images are opened, told by the kernel (inotify): nothing in the product counts."""

import ctypes
import os
import struct
from collections import Counter
from pathlib import Path
from typing import Self

_OPEN, _OVERFLOW, _IS_FOLDER = 0x20, 0x4000, 0x40000000
_EVENT = struct.Struct("iIII")


class Openings:
    """Openings of the files of one folder, and to which kill a repeated one is owed.

    A file that is opened twice with no other between, and no look at it, counts once.
    """

    def __init__(self, folder: Path) -> None:
        """Count from now on. Raises OSError where the system cannot tell (not Linux)."""
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        """Readable when there is something to `read`."""
        if (
            self.descriptor < 0
            or libc.inotify_add_watch(self.descriptor, os.fsencode(folder), _OPEN) < 0
        ):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        self._last: dict[str, int] = {}
        self._kills = 0
        self._lost_all = -1
        self.total = 0
        """Openings so far, repeated ones as well."""
        self.repeated: Counter[int] = Counter()
        """Images opened again, by the number of the kill that lost them: the last one that lost
        everything, else the first one since they were opened; under -1 those that none explains."""

    @property
    def images(self) -> int:
        """Different images opened so far."""
        return len(self._last)

    def read(self) -> None:
        """Count what was opened since."""
        while data := self._events():
            offset = 0
            while offset < len(data):
                _, mask, _, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size
                name = data[offset : offset + length].rstrip(b"\0").decode()
                offset += length
                if mask & _OVERFLOW:
                    raise OverflowError("the kernel dropped events: they were read too late")
                if name and not mask & _IS_FOLDER:
                    self._opened(name)

    def killed(self, everything: bool) -> None:
        """Something was killed and opens nothing more; with `everything` all work was lost."""
        self.read()
        if everything:
            self._lost_all = self._kills
        self._kills += 1

    def begin(self) -> None:
        """Forget everything: another pool begins."""
        self.read()
        self._last.clear()
        self.repeated = Counter()
        self._kills = self.total = 0
        self._lost_all = -1

    def __enter__(self) -> Self:
        """Count until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        os.close(self.descriptor)

    def _opened(self, name: str) -> None:
        self.total += 1
        last = self._last.get(name)
        if last is not None:
            # Opened and opened again without a kill between: what an earlier kill has lost.
            first = last if last < self._kills else last - 1
            self.repeated[max(first, self._lost_all)] += 1
        self._last[name] = self._kills

    def _events(self) -> bytes:
        try:
            return os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return b""
