"""What every rendered pod and object keeps to, whatever an overlay changes."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from services.api.contract import SERVICERS
from tests.ops.kubernetes.rendering import (
    COMPONENT,
    OVERLAYS,
    Manifest,
    find,
    groups,
    pod_templates,
    ray_cluster,
    ray_job,
    render,
)

KUBERAY_PROBES = {"RayService", "RayJob", "RayCronJob"}


def containers(overlay: str) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Name, pod and container of all of them."""
    for manifest in render(overlay):
        for name, template in pod_templates(manifest):
            for container in template["spec"]["containers"]:
                yield name, template["spec"], container


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_root_or_writes_to_the_image(overlay: str) -> None:
    seen = 0
    for name, pod, container in containers(overlay):
        security = container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] >= 1000, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert security["readOnlyRootFilesystem"], name
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        seen += 1
    assert seen == {"cpu": 12, "gpu": 12, "kueue": 9}[overlay]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_written_has_a_limit(overlay: str) -> None:
    for name, pod, container in containers(overlay):
        volumes = {each["name"]: each for each in pod["volumes"]}
        mounts = {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}
        assert set(mounts) == {"/tmp", "/home/poolscore"}, name
        assert all(each["emptyDir"]["sizeLimit"] for each in mounts.values()), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_resources_are_asked_for_and_bounded(overlay: str) -> None:
    for name, _, container in containers(overlay):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert set(requests) == set(limits) >= {"cpu", "memory"}, name
        for resource in limits:
            assert amount(requests[resource]) <= amount(limits[resource]), (name, resource)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ray_has_the_processors_of_its_containers(overlay: str) -> None:
    clusters = [found for m in render(overlay) if (found := ray_cluster(m))]
    assert clusters
    for cluster in clusters:
        head, *workers = groups(cluster)
        # Nothing but drivers and Serve's own processes is on the head.
        assert head["rayStartParams"] == {"num-cpus": "0"}
        for group in workers:
            (container,) = group["template"]["spec"]["containers"]
            # KubeRay takes the limits, and whole ones alone add up.
            limits = container["resources"]["limits"]
            assert float(group["rayStartParams"].get("num-cpus", limits["cpu"])) == amount(
                limits["cpu"]
            )
            assert amount(limits["cpu"]).is_integer()
            assert container["resources"]["requests"] == limits
            assert group["minReplicas"] == group["replicas"] == group["maxReplicas"]
            assert ("nvidia.com/gpu" in limits) == (overlay != "cpu")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cache_of_the_scorers_fits_beside_all_else(overlay: str) -> None:
    (settings,) = (m["data"] for m in render(overlay) if m["kind"] == "ConfigMap")
    cluster = ray_cluster(find(overlay, "RayService", "poolscore"))
    assert cluster is not None
    (container,) = groups(cluster)[1]["template"]["spec"]["containers"]
    held = float(settings["POOLSCORE_SCORER_MEMORY_GIB"]) * int(settings["POOLSCORE_SCORERS"])
    assert held * 2**30 <= amount(container["resources"]["limits"]["memory"]) / 2


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_outside_reaches_the_api_and_the_metrics_alone(overlay: str) -> None:
    for manifest in render(overlay):
        assert manifest["kind"] not in {"Ingress", "HTTPRoute", "Service", "Secret", "Role"}
        if cluster := ray_cluster(manifest):
            assert cluster["headGroupSpec"]["enableIngress"] is False
            assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
            assert cluster["authOptions"] == {"mode": "token", "secretName": "poolscore-ray"}
    policies = {
        m["metadata"]["name"]: m["spec"] for m in render(overlay) if m["kind"] == "NetworkPolicy"
    }
    ours = {"matchLabels": {"app.kubernetes.io/part-of": "poolscore"}}
    assert policies["deny-ingress"] == {"podSelector": ours, "policyTypes": ["Ingress"]}
    for _, template in (each for m in render(overlay) for each in pod_templates(m)):
        assert ours["matchLabels"].items() <= template["metadata"]["labels"].items()
    opened = {
        (name, port["port"])
        for name, policy in policies.items()
        for rule in policy.get("ingress", ())
        for port in rule.get("ports", ())
    }
    assert opened == {
        ("ray", 8265),
        ("ray", 8000),
        ("api", 9000),
        ("metrics", 8080),
        ("metrics", 9001),
    }
    # All ports: between the pods of Ray.
    (inside,) = (rule for rule in policies["ray"]["ingress"] if "ports" not in rule)
    ((peer,),) = inside.values()
    assert peer == {"podSelector": policies["ray"]["podSelector"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_named_and_not_told(overlay: str) -> None:
    text = yaml.safe_dump_all(render(overlay))
    for word in ("AWS_SECRET", "postgresql://", "PASSWORD", "auth_token", "ps_"):
        assert word not in text
    named = {
        ref["secretRef"]["name"]
        for _, _, c in containers(overlay)
        for ref in c.get("envFrom", ())
        if "secretRef" in ref
    }
    assert named == {"poolscore"}
    for name, _, container in containers(overlay):
        for variable in container.get("env", ()):
            assert "TOKEN" not in variable["name"], name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_stays_up_is_probed(overlay: str) -> None:
    for manifest in render(overlay):
        # KubeRay gives Ray's pods theirs, Serve's proxy included.
        if manifest["kind"] in KUBERAY_PROBES:
            continue
        for name, template in pod_templates(manifest):
            for container in template["spec"]["containers"]:
                ports = {port["name"] for port in container["ports"]}
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    assert container[probe]["tcpSocket"]["port"] in ports, (name, probe)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_are_those_that_serve_listens_on(overlay: str) -> None:
    service = find(overlay, "RayService", "poolscore")
    config = yaml.safe_load(service["spec"]["serveConfigV2"])
    assert config["grpc_options"]["grpc_servicer_functions"] == list(SERVICERS)
    for group in groups(service["spec"]["rayClusterConfig"]):
        (container,) = group["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert ports["serve"] == config["http_options"]["port"]
        assert ports["serve-grpc"] == config["grpc_options"]["port"]
    # A node for each replica, so that the death of one leaves the others.
    (workers,) = service["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    (api,) = config["applications"][0]["deployments"]
    assert api["max_replicas_per_node"] == 1
    assert 2 <= api["num_replicas"] <= workers["replicas"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_jobs_end_and_are_cleared_away(overlay: str) -> None:
    for manifest in render(overlay):
        if job := ray_job(manifest):
            assert job["backoffLimit"] >= 1
            assert job["activeDeadlineSeconds"] > job["preRunningDeadlineSeconds"]
            rules = job.get("deletionStrategy", {}).get("deletionRules", [])
            for status in ("SUCCEEDED", "FAILED") if rules else ():
                order = [
                    r["condition"]["ttlSeconds"]
                    for r in rules
                    if r["condition"].get("jobStatus") == status
                ]
                assert order == sorted(order)
            assert rules or job["ttlSecondsAfterFinished"] > 0


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_eviction_leaves_most_pods_of_the_api(overlay: str) -> None:
    budget = find(overlay, "PodDisruptionBudget", "poolscore")["spec"]
    service = find(overlay, "RayService", "poolscore")
    pods = [template["metadata"]["labels"] for _, template in pod_templates(service)]
    wanted: dict[str, Any] = budget["selector"]["matchLabels"]
    assert wanted[COMPONENT] == "api"
    assert all(wanted.items() <= labels.items() for labels in pods)
    running = 1 + sum(
        group["replicas"] for group in groups(service["spec"]["rayClusterConfig"])[1:]
    )
    assert budget["minAvailable"] == running - 1


def amount(quantity: str) -> float:
    """A quantity of Kubernetes in processors or bytes."""
    text = str(quantity)
    for unit, factor in {"Mi": 2**20, "Gi": 2**30, "m": 1e-3}.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
