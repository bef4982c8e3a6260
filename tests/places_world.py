"""Sources and stores on this machine and in an object store, for tests that run on both."""

from dataclasses import dataclass
from pathlib import Path

from pyarrow.fs import FileSystem

from tests.embedding_world import EmbeddingWorld
from tests.s3_server import upload


@dataclass(frozen=True)
class Kind:
    """Sources and stores on this machine, or both in an object store."""

    home: Path
    bucket: str

    def put(self, folder: Path) -> str:
        """Put a folder where its images are embedded from; returns the address."""
        if self.bucket:
            upload(folder, self.uri(folder))
        return self.address(folder)

    def address(self, path: Path) -> str:
        """How a person names what was put there."""
        return self.uri(path) if self.bucket else str(path)

    def put_file(self, path: Path) -> None:
        """Put one more file where those of its folder are."""
        if self.bucket:
            upload(path, self.uri(path))

    def uri(self, path: Path) -> str:
        """Address of a file that was put there."""
        name = path.relative_to(self.home.parent.parent)
        return f"{self.bucket}/{name}" if self.bucket else path.as_uri()

    def remove(self, path: Path) -> None:
        """Take a file away."""
        if self.bucket:
            filesystem, name = FileSystem.from_uri(self.uri(path))
            filesystem.delete_file(name)
        path.unlink()

    def world(self, digest: str) -> EmbeddingWorld:
        """A new pool with a store of this kind."""
        store = f"{self.uri(self.home)}/store" if self.bucket else ""
        return EmbeddingWorld.create(self.home, digest, store)
