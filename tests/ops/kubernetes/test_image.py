"""The image's recipe and the Compose files, as far as they can be judged without a daemon."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions

from poolscore.config import Settings
from tests.ops.kubernetes.rendering import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"


def test_the_recipe_is_clean() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    said = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout


def test_the_image_runs_as_nobody_in_particular_and_asks_after_itself() -> None:
    _, final = DOCKERFILE.read_text().split("\nFROM ${PYTHON_IMAGE}\n")
    assert "\nUSER 1000:1000\n" in final
    assert 'CMD ["poolscore", "health"]' in final
    # KubeRay's probe of Serve.
    assert re.search(r"apt-get install .*\bwget\b", final)


def test_what_the_recipe_copies_is_there_and_not_ignored() -> None:
    kept = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for line in DOCKERFILE.read_text().splitlines():
        if match := re.fullmatch(r"COPY (?!--from)(.+) \S+", line):
            for source in match[1].split():
                assert source == "." or source.rstrip("/") in kept, source
    for name in kept:
        assert (ROOT / name).exists(), name
    packages = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert packages is not None
    assert set(re.findall(r'"(\w+)"', packages[1])) <= kept


def test_another_variant_is_refused() -> None:
    script = DEPLOY / "image" / "install.sh"
    refused = subprocess.run([script, "tpu"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "'tpu'" in refused.stderr


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_compose_understands(name: str) -> None:
    content = compose(name)
    # Variables are put in before Compose reads a file.
    content = yaml.safe_load(
        re.sub(r"\$\{\w+:\?[^}]+\}", "/value", yaml.safe_dump(content, width=1000))
    )
    PyOptions().from_yaml(yaml.safe_dump(content)).validate()
    content["services"]["poolscore"]["imagee"] = ""
    with pytest.raises(Exception, match="imagee"):
        PyOptions().from_yaml(yaml.safe_dump(content))


def test_compose_opens_nothing_to_others_and_tells_no_secret() -> None:
    services = compose("compose.yaml")["services"]
    assert set(services) == {"postgres", "poolscore", "prometheus", "grafana"}
    for name, service in services.items():
        assert service["network_mode"] == "host", name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert re.fullmatch(r"\$\{POOLSCORE_\w+:\?.+\}", value), variable
    said = yaml.safe_dump(services)
    assert "0.0.0.0" not in said
    for address in ("listen_addresses=127.0.0.1", "web.listen-address=127.0.0.1:9090"):
        assert address in said
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_compose_mounts_what_is_there() -> None:
    for service in compose("compose.yaml")["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source


def test_settings_of_image_and_compose_are_settings() -> None:
    names = {f"POOLSCORE_{name.upper()}" for name in Settings.model_fields}
    service = compose("compose.yaml")["services"]["poolscore"]
    used = {name for name in service["environment"] if name.startswith("POOLSCORE_")}
    used |= set(re.findall(r"^ +(POOLSCORE_\w+)=", DOCKERFILE.read_text(), re.MULTILINE))
    lines = (ROOT / "k8s" / "base" / "settings.env").read_text().splitlines()
    used |= {line.split("=")[0] for line in lines if line.startswith("POOLSCORE_")}
    assert len(used) >= 8
    assert used <= names


def compose(name: str) -> dict[str, Any]:
    """A Compose file, with what its anchors stand for."""
    return yaml.safe_load((DEPLOY / name).read_text())
