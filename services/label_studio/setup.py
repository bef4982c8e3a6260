"""Makes a project of Label Studio ready: its interface, model and webhook, where missing."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from poolscore.errors import FailedPreconditionError, PoolscoreError
from services.handoff.label_studio import Interface, labeling_config
from services.label_studio.http import Http
from services.label_studio.keys import USER, Keys
from services.label_studio.project import Project

_log = logging.getLogger(__name__)
TITLE = "poolscore"
_ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
)
_HEADER = "X-Poolscore"
"""Of our webhook."""
_OURS = '<View className="poolscore">'


def find_project(http: Http, pool: str, project_id: int | None) -> Project:
    """The project with this id; without one, that titled `poolscore POOL`, made when missing.

    Raises NotFoundError LABEL_STUDIO_REFUSED.
    """
    if project_id is not None:
        project = Project(http, project_id)
        project.get()
        return project
    title = f"poolscore {pool}"
    found = http.get("/api/projects/", title=title, page_size=1000)["results"]
    ids = [each["id"] for each in found if each["title"] == title]
    if not ids:
        description = f"Images of poolscore's pool '{pool}', in the order of its ranking."
        content = {"title": title, "description": description}
        ids = [http.send("POST", "/api/projects/", content)["id"]]
    return Project(http, min(ids))


def ensure_interface(project: Project, classes: Sequence[str]) -> Interface:
    """Set the labeling interface where there is none; returns what it calls things.

    One that poolscore has set follows the classes of the pool. Raises FailedPreconditionError
    INTERFACE_UNSUITABLE for one of somebody else that has no choices of all classes for an image.
    """
    settings = project.get()
    found = interface_of(settings["parsed_label_config"], classes)
    if found is not None:
        return found
    is_ours = settings["label_config"].lstrip().startswith(_OURS)
    if settings["parsed_label_config"] and not is_ours:
        raise FailedPreconditionError(
            f"the labeling interface at {project.url}/settings/labeling has no <Choices> of an "
            f"<Image> with all classes of the pool, {', '.join(classes[:10])}"
            f"{', ...' if len(classes) > 10 else ''}; add them, or name another --project",
            reason="INTERFACE_UNSUITABLE",
        )
    project.update(label_config=labeling_config(classes))
    return Interface()


def connect(project: Project, base: str, keys: Keys) -> None:
    """Let Label Studio call the bridge at `base`: as a model, and after every annotation.

    Where it cannot, that is logged: labels are recorded all the same, only later.
    """
    for what, step in (("webhook", _ensure_webhook), ("model", _ensure_model)):
        try:
            step(project, base.rstrip("/"), keys)
        except PoolscoreError as error:
            _log.warning(
                f"Label Studio takes no {what}: annotations are read every few seconds instead"
                if what == "webhook"
                else "Label Studio takes no model: tasks have predictions, none can be asked for",
                extra={"address": base, "why": error.message},
            )


def _ensure_webhook(project: Project, base: str, keys: Keys) -> None:
    content: dict[str, Any] = {
        "project": project.id,
        "url": f"{base}/webhook",
        "send_payload": False,
        "send_for_all_actions": False,
        "actions": _ACTIONS,
        # Known by its header, whatever address the bridge had.
        "headers": {_HEADER: TITLE, "Authorization": f"Bearer {keys.caller}"},
        "is_active": True,
    }
    known = [
        each["id"]
        for each in project.http.get("/api/webhooks/", project=project.id)
        if each["project"] == project.id
        and (each["url"] == content["url"] or _HEADER in (each["headers"] or {}))
    ]
    if known:
        project.http.send("PATCH", f"/api/webhooks/{known[0]}/", content)
        for number in known[1:]:
            project.http.send("DELETE", f"/api/webhooks/{number}/", None)
    else:
        project.http.send("POST", "/api/webhooks/", content)


def _ensure_model(project: Project, base: str, keys: Keys) -> None:
    content = {
        "project": project.id,
        "url": base,
        "title": TITLE,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": USER,
        "basic_auth_pass": keys.caller,
    }
    models = project.http.get("/api/ml", project=project.id)
    known = [each["id"] for each in models if each["title"] == TITLE]
    if known:
        project.http.send("PATCH", f"/api/ml/{known[0]}", content)
    else:
        project.http.send("POST", "/api/ml", content)


def interface_of(parsed: Mapping[str, Any], classes: Sequence[str]) -> Interface | None:
    """The choices of an image with all classes, in a configuration as Label Studio parses it."""
    for name, control in parsed.items():
        images = [each for each in control["inputs"] if each["type"] == "Image"]
        if control["type"] == "Choices" and images and set(classes) <= set(control["labels"]):
            return Interface(name, control["to_name"][0], images[0]["value"])
    return None
