"""A Label Studio server from its package, in an environment and a database of its own."""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import requests

EMAIL, PASSWORD = "ann@example.org", "correct-horse"
_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_START_S = 180.0


@dataclass(frozen=True)
class Server:
    """A running server, and the personal access token of its first user."""

    url: str
    token: str


def environment() -> Path:
    """The environment with Label Studio; made the first time, which downloads it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "poolscore"
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache / f"label-studio-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder)
            # Migrating an empty database takes longer than all tests together.
            with _process(folder, folder / "data", _free_port()):
                pass
            (folder / "ready").touch()
    return folder


@contextmanager
def server(folder: Path, data: Path) -> Generator[Server]:
    """Run a server with its state in `data`."""
    shutil.copytree(folder / "data", data)
    with _process(folder, data, _free_port()) as url:
        yield Server(url, _personal_token(url))


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([*install, "--require-hashes", "-r", str(_REQUIREMENTS)], check=True)


@contextmanager
def _process(folder: Path, data: Path, port: int) -> Generator[str]:
    url = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables = kept | {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_HOST": url,
        # The bridge is on this machine, whose addresses are refused otherwise.
        "SSRF_PROTECTION_ENABLED": "false",
        "ML_BLOCK_LOCAL_IP": "false",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
    }
    command = [str(folder / "bin" / "label-studio"), "start", "--no-browser", "--port", str(port)]
    command += ["--internal-host", "127.0.0.1", "--username", EMAIL, "--password", PASSWORD]
    data.mkdir(parents=True, exist_ok=True)
    with (data / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _await(process, url, data / "server.log")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    # It tells nobody when it answers, so it is asked.
    end = monotonic() + _START_S
    while process.poll() is None and monotonic() < end:
        try:
            if session().get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            sleep(0.1)
    process.kill()
    raise AssertionError("Label Studio did not start:\n" + log.read_text()[-5000:])


def session() -> requests.Session:
    """Calls of this machine, past any proxy."""
    made = requests.Session()
    made.trust_env = False
    return made


def _personal_token(url: str) -> str:
    """Log in as a person does, and make a token."""
    browser = session()
    browser.get(f"{url}/user/login/").raise_for_status()
    form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": _csrf(browser)}
    headers = {"Referer": url}
    browser.post(f"{url}/user/login/", data=form, headers=headers).raise_for_status()
    headers["X-CSRFToken"] = _csrf(browser)
    made = browser.post(f"{url}/api/token/", headers=headers)
    made.raise_for_status()
    return made.json()["token"]


def _csrf(browser: requests.Session) -> str:
    return str(browser.cookies["csrftoken"])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
