"""What `kubectl apply -k` would send, and where Ray's kinds keep what they share."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
OVERLAYS = ("cpu", "gpu", "kueue")
COMPONENT = "app.kubernetes.io/component"

Manifest = Mapping[str, Any]


@cache
def render(overlay: str) -> Sequence[Manifest]:
    """Every object of one of our overlays."""
    return render_folder(ROOT / "k8s" / "overlays" / overlay)


def render_folder(folder: Path) -> Sequence[Manifest]:
    """Every object of an overlay, by the kustomize of the kubectl that is installed beside us."""
    kubectl = Path(sys.executable).parent / "kubectl"
    made = subprocess.run(
        [kubectl, "kustomize", folder],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not made.stderr, made.stderr
    return list(yaml.safe_load_all(made.stdout))


def find(overlay: str, kind: str, name: str) -> Manifest:
    """The one object of that kind and name."""
    (found,) = (
        each
        for each in render(overlay)
        if (each["kind"], each["metadata"]["name"].split("-")[0]) == (kind, name)
    )
    return found


def ray_job(manifest: Manifest) -> Manifest | None:
    """The spec of a RayJob, also of the one that a RayCronJob makes."""
    match manifest["kind"]:
        case "RayJob":
            return manifest["spec"]
        case "RayCronJob":
            return manifest["spec"]["jobTemplate"]
        case _:
            return None


def ray_cluster(manifest: Manifest) -> Manifest | None:
    """The Ray cluster that the object makes."""
    if manifest["kind"] == "RayService":
        return manifest["spec"]["rayClusterConfig"]
    job = ray_job(manifest)
    return job["rayClusterSpec"] if job else None


def groups(cluster: Manifest) -> Sequence[Manifest]:
    """Head and worker groups of a Ray cluster."""
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def pod_templates(manifest: Manifest) -> Iterator[tuple[str, Manifest]]:
    """Every template of pods in the object, with a name to tell it by."""
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if manifest["kind"] == "Deployment":
        yield name, manifest["spec"]["template"]
    if cluster := ray_cluster(manifest):
        yield f"{name} head", cluster["headGroupSpec"]["template"]
        for group in cluster["workerGroupSpecs"]:
            yield f"{name} {group['groupName']}", group["template"]
    if job := ray_job(manifest):
        yield f"{name} submitter", job["submitterPodTemplate"]


def environment_of(manifests: Sequence[Manifest], secret: Mapping[str, str]) -> dict[str, str]:
    """Variables that ConfigMap and the secret `poolscore` give to a pod."""
    (settings,) = (each["data"] for each in manifests if each["kind"] == "ConfigMap")
    return {**settings, **secret}
