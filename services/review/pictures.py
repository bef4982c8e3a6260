"""Pictures of leased batches.

An address never comes from the browser: the API says which images a batch holds, to whoever may see
the batch.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from anyio import CapacityLimiter, to_thread

from pipelines.sources.roots import SourceRoots
from poolscore.client import Client
from poolscore.errors import NotFoundError
from poolscore.images.reject import Reject
from services.review.byte_cache import ByteCache
from services.review.thumbnails import thumbnail

FRESH_S = 10.0
"""How long the API is believed that a token may see a batch; so long a revoked one still may."""
HELD_BYTES = 64 * 2**20
_ALBUMS = 64
_READ_AT_A_TIME = 4


@dataclass(frozen=True)
class _Album:
    uris: Mapping[str, str]
    """By the name of the item."""
    roots: SourceRoots


class Pictures:
    """Finds, reads and remembers thumbnails."""

    def __init__(self, source_roots: str) -> None:
        """Read what the setting allows. Raises InvalidInputError SETTING_INVALID."""
        SourceRoots(source_roots)
        self._source_roots = source_roots
        self._albums: dict[tuple[Client, str], tuple[float, asyncio.Task[_Album]]] = {}
        self._held = ByteCache(HELD_BYTES)
        self._limiter = CapacityLimiter(_READ_AT_A_TIME)

    async def of(self, client: Client, batch: str, item: str) -> bytes | Reject:
        """Thumbnail of an item of a batch, both by name, or why there is none.

        Raises NotFoundError ITEM_NOT_IN_BATCH, and what the API says of the batch.
        """
        album = await self._album(client, batch)
        uri = album.uris.get(item)
        if uri is None:
            raise NotFoundError(
                f"item '{item}' is not one of batch '{batch}'", reason="ITEM_NOT_IN_BATCH"
            )
        held = self._held.get((batch, uri))
        if held is not None:
            return held
        found = await to_thread.run_sync(thumbnail, uri, album.roots, limiter=self._limiter)
        if not isinstance(found, Reject):
            self._held.put((batch, uri), found)
        return found

    async def _album(self, client: Client, batch: str) -> _Album:
        """The items of a batch; asked for once by all requests that come together."""
        key, now = (client, batch), monotonic()
        asked, task = self._albums.get(key, (-FRESH_S, None))
        if task is None or now - asked > FRESH_S:
            while len(self._albums) >= _ALBUMS:
                del self._albums[next(iter(self._albums))]
            task = asyncio.create_task(to_thread.run_sync(self._read, client, batch))
            self._albums[key] = now, task
        try:
            return await asyncio.shield(task)
        except Exception:
            if self._albums.get(key, (now, None))[1] is task:
                del self._albums[key]  # what failed may succeed the next time
            raise

    def _read(self, client: Client, batch: str) -> _Album:
        items = client.get_batch(batch).items
        return _Album({item.name: item.uri for item in items}, SourceRoots(self._source_roots))
