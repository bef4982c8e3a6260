"""Every object that an overlay renders is one that the cluster knows, field by field."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from k8s import prometheus_rules
from tests.ops.kubernetes.rendering import (
    OVERLAYS,
    ROOT,
    Manifest,
    find,
    pod_templates,
    render,
    render_folder,
)

SCHEMAS = Path(__file__).with_name("schemas")
GROUPS = {"ray.io/v1": "ray.yaml", "monitoring.coreos.com/v1": "monitoring.yaml"}
OLDEST, NEWEST = "1.31", kubernetes_validate.latest_version()
"""Versions of Kubernetes for which the manifests are."""
DEFINITIONS = os.environ.get("POOLSCORE_CRDS", "")
"""Folder with the operators' CustomResourceDefinitions, of which there is no package."""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_known_to_the_cluster(overlay: str) -> None:
    manifests = render(overlay)
    assert {"RayService", "RayJob", "Deployment", "PodMonitor"} <= {m["kind"] for m in manifests}
    for manifest in manifests:
        check(manifest)


@pytest.mark.skipif(not DEFINITIONS, reason="POOLSCORE_CRDS names no folder")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_known_to_the_operators_themselves(overlay: str) -> None:
    definitions = {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version
        for path in Path(DEFINITIONS).glob("*.yaml")
        for crd in yaml.safe_load_all(path.read_text())
        for version in crd["spec"]["versions"]
    }
    for manifest in render(overlay):
        if manifest["apiVersion"] in GROUPS:
            version = definitions[manifest["apiVersion"], manifest["kind"]]
            closed = _closed(version["schema"]["openAPIV3Schema"])
            assert not _errors(closed, manifest)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_in_the_namespace(overlay: str) -> None:
    for manifest in render(overlay):
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "poolscore", manifest["metadata"]["name"]


def test_what_nobody_knows_is_refused() -> None:
    service = yaml.safe_load(yaml.safe_dump(find("cpu", "RayService", "poolscore")))
    service["spec"]["rayClusterConfig"]["headGroup"] = {}
    with pytest.raises(AssertionError, match="headGroup"):
        check(service)
    deployment = yaml.safe_load(yaml.safe_dump(find("cpu", "Deployment", "exporter")))
    deployment["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        check(deployment)


def test_settings_are_found_under_the_name_of_their_content() -> None:
    (settings,) = (m for m in render("cpu") if m["kind"] == "ConfigMap")
    name = settings["metadata"]["name"]
    assert name.startswith("poolscore-")
    used = {
        source["configMapRef"]["name"]
        for manifest in render("cpu")
        for _, template in pod_templates(manifest)
        for container in template["spec"]["containers"]
        for source in container.get("envFrom", ())
        if "configMapRef" in source
    }
    assert used == {name}


def test_the_overlay_of_the_guide_is_one(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    (told,) = re.findall(r"```yaml\n# my/kustomization.yaml\n(.*?)```", guide, re.DOTALL)
    ours = os.path.relpath(ROOT / "k8s", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(told.replace("../k8s", ours))
    manifests = render_folder(tmp_path)
    for manifest in manifests:
        check(manifest)
    images = {
        container["image"]
        for manifest in manifests
        for _, template in pod_templates(manifest)
        for container in template["spec"]["containers"]
    }
    assert images == {"registry.mine.org/poolscore:0.1.0"}
    said = yaml.safe_dump_all(manifests)
    assert "s3://mine-images/shop" in said
    assert "redis.mine:6379" in said
    assert "s3://poolscore" not in said


def test_the_queue_gets_jobs_and_makes_them_wait() -> None:
    jobs = [m for m in render("kueue") if m["kind"] == "RayJob"]
    assert len(jobs) == 2
    for job in jobs:
        assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "poolscore"
        assert job["spec"]["suspend"] is True
    assert "RayCronJob" not in {m["kind"] for m in render("kueue")}


def test_rules_are_those_of_prometheus_on_one_machine() -> None:
    written = prometheus_rules.WRITTEN.read_text()
    assert written == prometheus_rules.render(), "run 'make k8s-rules'"


def check(manifest: Manifest) -> None:
    """AssertionError, or ValidationError of Kubernetes' own kinds, when it would be refused."""
    if manifest["apiVersion"] in GROUPS:
        schema = _schema(manifest["apiVersion"])
        assert manifest["kind"] in schema["$defs"], manifest["kind"]
        wanted = schema | {"$ref": f"#/$defs/{manifest['kind']}"}
        errors = _errors(wanted, manifest["spec"])
        assert not errors, errors
        for name, template in pod_templates(manifest):
            _check_core(
                {
                    "apiVersion": "v1",
                    "kind": "PodTemplate",
                    "metadata": {"name": name},
                    "template": template,
                }
            )
    else:
        _check_core(manifest)


def _errors(schema: Mapping[str, Any], content: Any) -> list[str]:
    found = Draft202012Validator(schema).iter_errors(content)
    return [f"{error.json_path}: {error.message}" for error in found]


def _closed(schema: Any) -> Any:
    """The schema of a CustomResourceDefinition that refuses what the cluster would drop."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed["additionalProperties"] = "x-kubernetes-preserve-unknown-fields" in schema
        if {"apiVersion", "kind", "metadata"} <= schema["properties"].keys():
            closed["properties"]["metadata"] = {"type": "object"}
    return closed


def _check_core(manifest: Manifest) -> None:
    for version in (OLDEST, NEWEST):
        kubernetes_validate.validate(dict(manifest), version, strict=True)


@cache
def _schema(api: str) -> dict[str, Any]:
    return yaml.safe_load((SCHEMAS / GROUPS[api]).read_text())
