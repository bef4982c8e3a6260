"""What KubeRay and `ray job submit` ask of a head's dashboard, with the token of the cluster."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_ANSWER_S = 30.0
_LOOK_S = 0.2

_T = TypeVar("_T")


class Dashboard:
    """The dashboard at `url`."""

    def __init__(self, url: str, token: str) -> None:
        """Nothing is asked yet."""
        self._url, self._token = url, token

    def refuses(self, token: str) -> bool:
        """Whether a caller with this token, or with none, learns nothing."""
        try:
            self._send("GET", "/api/jobs/", None, token)
        except HTTPError as error:
            return error.code in (401, 403)
        return False

    def submit(self, entrypoint: str) -> str:
        """Submit a job; returns its id."""
        answer = self._json("POST", "/api/jobs/", {"entrypoint": entrypoint})
        return answer["submission_id"]

    def job_status(self, job: str) -> str:
        """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
        return self._json("GET", f"/api/jobs/{job}")["status"]

    def job_logs(self, job: str) -> str:
        """What its entrypoint wrote."""
        return self._json("GET", f"/api/jobs/{job}/logs")["logs"]

    def job_ended(self, job: str, timeout_s: float) -> str:
        """Wait for the job's end; returns its status."""
        ended = ("SUCCEEDED", "FAILED", "STOPPED")
        until(lambda: self.job_status(job) in ended, timeout_s, f"the end of {job}")
        return self.job_status(job)

    def deploy(self, config: Any) -> None:
        """Deploy the applications of a Serve config, as KubeRay does with serveConfigV2."""
        self._send("PUT", "/api/serve/applications/", config, self._token)

    def applications(self) -> dict[str, str]:
        """Status of each Serve application by its name."""
        found = self._json("GET", "/api/serve/applications/")["applications"]
        return {name: f"{each['status']} {each['message']}".strip() for name, each in found.items()}

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self._send(method, path, body, self._token))

    def _send(self, method: str, path: str, body: Any, token: str) -> bytes:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, headers, method=method)
        with urlopen(request, timeout=_ANSWER_S) as response:
            return response.read()


def until(look: Callable[[], _T], timeout_s: float, what: object) -> _T:
    """Look again until there is something to see, which nobody tells; TimeoutError after that."""
    end = time.monotonic() + timeout_s
    while not (seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come about within {timeout_s:.0f} s")
        time.sleep(_LOOK_S)
    return seen
