"""A person at Label Studio's API."""

from typing import Any

from tests.ops.label_studio.environment import Server, session


class Annotator:
    """Looks at tasks and annotates them."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self._session, self._token = session(), server.token

    def call(self, method: str, path: str, content: Any = None, **params: Any) -> Any:
        # Access tokens live for minutes only.
        refreshed = self._session.post(
            f"{self.url}/api/token/refresh/", json={"refresh": self._token}, timeout=30
        )
        headers = {"Authorization": f"Bearer {refreshed.json()['access']}"}
        response = self._session.request(
            method, f"{self.url}{path}", json=content, params=params, headers=headers, timeout=60
        )
        assert response.ok, f"{method} {path}: {response.status_code} {response.text[:2000]}"
        return response.json() if response.content else None

    def project(self, title: str) -> int:
        projects = self.call("GET", "/api/projects/", title=title)["results"]
        (found,) = (each["id"] for each in projects if each["title"] == title)
        return found

    def tasks(self, project: int) -> list[dict[str, Any]]:
        found = self.call("GET", "/api/tasks/", project=project, fields="all", page_size=500)
        return sorted(found["tasks"], key=lambda task: task["id"])

    def waiting(self, project: int) -> list[dict[str, Any]]:
        return [task for task in self.tasks(project) if not task["annotations"]]

    def annotate(self, task: int, *classes: str) -> int:
        """Choose these classes, or skip the task."""
        content = {"result": _result(classes), "was_cancelled": not classes, "lead_time": 1}
        return self.call("POST", f"/api/tasks/{task}/annotations/", content)["id"]

    def correct(self, annotation: int, *classes: str) -> None:
        self.call("PATCH", f"/api/annotations/{annotation}/", {"result": _result(classes)})

    def delete(self, annotation: int) -> None:
        self.call("DELETE", f"/api/annotations/{annotation}/")


def _result(classes: tuple[str, ...]) -> list[dict[str, Any]]:
    if not classes:
        return []
    value = {"choices": list(classes)}
    return [{"from_name": "label", "to_name": "image", "type": "choices", "value": value}]
