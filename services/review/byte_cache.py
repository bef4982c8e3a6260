"""The files that were asked for last, as many as fit into so many bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock


class ByteCache:
    """Forgets what was not asked for the longest time; for any number of threads."""

    def __init__(self, most: int) -> None:
        """Hold `most` bytes of values at most."""
        self._most, self._bytes = most, 0
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        """The value of a key, if it is held."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
            return self._files.get(key)

    def put(self, key: Hashable, value: bytes) -> None:
        """Hold a value, and let others go for it; not one that is larger than all together."""
        if len(value) > self._most:
            return
        with self._lock:
            self._bytes += len(value) - len(self._files.pop(key, b""))
            self._files[key] = value
            while self._bytes > self._most:
                self._bytes -= len(self._files.popitem(last=False)[1])
