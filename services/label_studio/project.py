"""One project of Label Studio: its tasks, its users, its settings."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from poolscore.errors import NotFoundError
from services.handoff.label_studio import unnamed
from services.label_studio.http import Http

_PAGE = 500
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

Task = Mapping[str, Any]


class Project:
    """A project and what is done with it."""

    def __init__(self, http: Http, project_id: int) -> None:
        """Look at it later."""
        self.http, self.id = http, project_id
        self._users: dict[int, Mapping[str, Any]] = {}

    @property
    def url(self) -> str:
        """Of its page."""
        return f"{self.http.url}/projects/{self.id}"

    @cached_property
    def identity(self) -> str:
        """What tells it from every other project, whatever address the server is reached at."""
        return f"{self.id} {self.get()['created_at']}"

    def get(self) -> Mapping[str, Any]:
        """Its settings."""
        return self.http.get(f"/api/projects/{self.id}/")

    def update(self, **settings: Any) -> Mapping[str, Any]:
        """Change settings; returns all of them."""
        return self.http.send("PATCH", f"/api/projects/{self.id}/", settings)

    def waiting(self) -> list[Task]:
        """Tasks that nobody has annotated or skipped, in the order in which they are shown."""
        return [task for page in self._pages(_UNTOUCHED) for task in page]

    def changed(self, since: datetime | None) -> Iterator[list[Task]]:
        """Pages of tasks with their annotations, those that have changed since then, or all."""
        items = [] if since is None else [_filter("updated_at", "greater", "Datetime", since)]
        return self._pages(items)

    def newest(self) -> Task | None:
        """The task that was created last."""
        query = json.dumps({"ordering": ["-tasks:id"]})
        found = self.http.get("/api/tasks/", project=self.id, page_size=1, query=query)
        return found["tasks"][0] if found["tasks"] else None

    def add(self, tasks: Sequence[Task]) -> None:
        """Create tasks, all of them or none."""
        self.http.send("POST", f"/api/projects/{self.id}/import", tasks)

    def change(self, task: int, **fields: Any) -> None:
        """Change fields of a task."""
        self.http.send("PATCH", f"/api/tasks/{task}/", fields)

    def remove_untouched(self, tasks: Sequence[int]) -> None:
        """Delete those of these tasks that nobody has annotated meanwhile."""
        # Label Studio looks once more when it deletes: an annotation must not go with its task.
        content = {
            "selectedItems": {"all": False, "included": list(tasks)},
            "filters": {"conjunction": "and", "items": _UNTOUCHED},
        }
        path = "/api/dm/actions/"
        self.http.send("POST", path, content, id="delete_tasks", project=self.id)

    def user_names(self) -> Callable[[Any], str]:
        """Return what names a user by what an annotation says: the e-mail address."""

        def name(user: Any) -> str:
            number = int((user.get("id") if isinstance(user, dict) else user) or 0)
            if number not in self._users:
                self._read_users()
            return str(self._users.get(number, {}).get("email") or unnamed(number))

        return name

    def users(self) -> frozenset[str]:
        """Names of all users."""
        self._read_users()
        return frozenset(str(each["email"]) for each in self._users.values())

    def active_users(self, within: timedelta) -> int:
        """How many users have done something lately."""
        self._read_users()
        start = datetime.now(UTC) - within
        seen = [each.get("last_activity") for each in self._users.values()]
        return sum(bool(time) and datetime.fromisoformat(str(time)) >= start for time in seen)

    def _read_users(self) -> None:
        self._users = {each["id"]: each for each in self.http.get("/api/users/")}

    def _pages(self, items: Sequence[Mapping[str, Any]]) -> Iterator[list[Task]]:
        query: dict[str, Any] = {"ordering": ["tasks:id"]}
        if items:
            query["filters"] = {"conjunction": "and", "items": items}
        page, left = 1, 1
        while left > 0:
            try:
                found = self.http.get(
                    "/api/tasks/",
                    project=self.id,
                    page=page,
                    page_size=_PAGE,
                    fields="all",
                    # Addresses as they were written, not as somebody logged in may read them.
                    resolve_uri="false",
                    query=json.dumps(query),
                )
            except NotFoundError:
                if page == 1:
                    raise
                return  # what the page would have shown has gone since
            yield found["tasks"]
            left = found["total"] - page * _PAGE
            page += 1


def time_of(text: str) -> datetime:
    """Read a time of Label Studio."""
    return datetime.fromisoformat(text)


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime(_TIME)
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


_UNTOUCHED = [
    _filter(column, "equal", "Number", 0)
    for column in ("total_annotations", "cancelled_annotations")
]
