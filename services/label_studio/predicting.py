"""Predictions of the active prompt version for tasks, when Label Studio asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from poolscore.client import Client
from poolscore.errors import NotFoundError
from services.commands.options import child
from services.handoff import label_studio
from services.handoff.label_studio import Interface, origin_of


def current_version(client: Client, pool: str) -> str:
    """Name of the active prompt version as a model; empty before the first embedding run."""
    active = client.get_pool(pool).active_prompt_version
    return label_studio.model_version(active) if active else ""


def predict(
    client: Client, pool: str, interface: Interface, tasks: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """One prediction a task, in order; an empty one for an image that the pool does not have."""
    return [_predict(client, pool, interface, task) for task in tasks]


def _predict(
    client: Client, pool: str, interface: Interface, task: Mapping[str, Any]
) -> dict[str, Any]:
    item = str(origin_of(task).get("item", ""))
    try:
        if item:
            found = client.explain(child(pool, "items", item))
            if found.item.HasField("prediction"):
                version = label_studio.model_version(found.prompt_version)
                return label_studio.prediction(found.item.prediction, version, interface)
    except NotFoundError:
        pass  # an image that the active snapshot has no more
    return {"result": [], "score": 0.0}
