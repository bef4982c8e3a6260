"""An S3 API over HTTP, in a process of its own until its standard input ends.

Prints its address once it answers. In the process of a test it would wait for the test's own work.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

BUCKET = "bucket"


@contextmanager
def s3_server() -> Generator[str]:
    """Run the server and point this process and those it starts at it; yields a bucket's URI."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    settings = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    fs.FileSystem.from_uri(f"s3://{BUCKET}?allow_bucket_creation=true")[0].create_dir(BUCKET)
    try:
        yield f"s3://{BUCKET}"
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        process.stdin.close()
        process.wait()


def upload(folder: Path, uri: str) -> str:
    """Copy a file, or what is in a folder, to an address; returns the address."""
    filesystem, root = fs.FileSystem.from_uri(uri)
    for path in sorted(folder.rglob("*")) or [folder]:
        if path.is_file():
            name = f"{root}/{path.relative_to(folder)}".removesuffix("/.")
            with filesystem.open_output_stream(name) as file:
                file.write(path.read_bytes())
    return uri


def _serve() -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
