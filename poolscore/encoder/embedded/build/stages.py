"""The build's stages; each stores its result in the work folder and is skipped when it is there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from timm.layers.mlp import Mlp
from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

from . import assemble, pictures, sources
from .classes import class_vectors
from .clip import empty_model
from .config import MODEL_NAME, TRUNK_DIM, BuildConfig
from .conse import Classifier
from .head import HeadFitter, fidelity
from .inversion import invert, picture_features
from .photos import load_photos
from .space import Projection, SemanticSpace, build_space
from .teacher import PARTS, embed_part
from .textdata import TextSampler, build_targets
from .texttower import TextTower, start_from_teacher, train_text_tower
from .trunk import load_trunk
from .vocabulary import Vocabulary, choose_vocabulary
from .wordnet import WordNet, load_wordnet

CONFIG_FILE = Path(__file__).resolve().parent.parent / f"{MODEL_NAME}.json"
# Offsets to the build's seed, one for each stage that draws random numbers.
_TEXT, _PICTURES, _INVERSION, _HEAD, _MIXING = 2, 3, 4, 5, 6


class Build:
    """Runs stages on demand; ``write`` runs them all."""

    def __init__(self, work: Path, config: BuildConfig) -> None:
        """Uses the folder ``work`` for results; it is made when missing."""
        work.mkdir(parents=True, exist_ok=True)
        self.work, self.config = work, config
        self.classes = sources.imagenet_offsets()

    def _stage(self, name: str, make: Callable[[], Any]) -> Any:
        path = self.work / f"{name}.pt"
        if not path.exists():
            print(f"stage {name}", flush=True)
            start = time.monotonic()
            made = make()
            partial = path.with_suffix(".partial")
            torch.save(made, partial)
            partial.rename(path)
            self._note_seconds(name, round(time.monotonic() - start, 1))
        return torch.load(path, weights_only=True)

    def _note_seconds(self, name: str, seconds: float) -> None:
        path = self.work / "seconds.json"
        noted: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(noted | {name: seconds}, indent=2))

    @cached_property
    def net(self) -> WordNet:
        """WordNet's nouns."""
        return load_wordnet(sources.wordnet_folder(self.work))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the teacher embeds."""
        return choose_vocabulary(self.net, self.classes, self.config.seed)

    @cached_property
    def teacher(self) -> dict[str, Tensor]:
        """The teacher's vectors, stored part by part."""
        folder = sources.teacher_folder(self.work)

        def part(name: str) -> Tensor:
            made = self._stage(
                f"teacher-{name}", lambda: embed_part(name, folder, self.net, self.vocabulary)
            )
            assert isinstance(made, Tensor)
            return made

        return {name: part(name) for name in PARTS}

    @cached_property
    def space(self) -> SemanticSpace:
        """Vectors of senses and nouns."""
        return build_space(self.net, self.vocabulary, self.teacher, self.config.space)

    @cached_property
    def projection(self) -> Projection:
        """The 96 directions that are kept."""
        return self.space.projection(self.classes, self.config.space)

    @cached_property
    def text(self) -> TextTower:
        """The trained text tower."""
        return TextTower(**self._stage("text", self._train_text))

    def _train_text(self) -> dict[str, Any]:
        seed, config = self.config.seed + _TEXT, self.config.text
        targets = build_targets(self.space, self.projection, self.teacher)
        torch.manual_seed(seed)
        model = empty_model(CONFIG_FILE)
        sampler = TextSampler(self.net, self.space, targets, self.classes, config, seed)
        start_from_teacher(model, targets, self.vocabulary.tokens, seed)
        return vars(train_text_tower(model, sampler, targets, config))

    @cached_property
    def trunk(self) -> EfficientNet:
        """The folded trunk with its classifier."""
        trunk = load_trunk(sources.trunk_weights())
        return trunk.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def _draw_pictures(self) -> dict[str, Tensor]:
        seed, config = self.config.seed + _PICTURES, self.config.pictures
        maker = pictures.PictureMaker(load_photos(), seed)
        pairs: list[tuple[Tensor, Tensor]] = []
        for _ in range(config.batches):
            batch = torch.stack([maker.picture() for _ in range(config.batch)])
            pairs.append(picture_features(self.trunk, pictures.normalise(batch)))
        return {
            "pooled": torch.cat([pooled for pooled, _ in pairs]),
            "maps": torch.cat([maps for _, maps in pairs]),
        }

    def _invert(self) -> Tensor:
        maps = self._stage("pictures", self._draw_pictures)["maps"]
        seed, parts = self.config.seed + _INVERSION, list[Tensor]()
        for part in invert(self.trunk, maps, self.config.inversion, seed):
            parts.append(part)
            print(f"inversion {len(parts)} of {self.config.inversion.batches}", flush=True)
        return torch.cat(parts)

    def features(self) -> Tensor:
        """Pooled features (n, 1280) of made-up pictures and of inverted maps."""
        seen = self._stage("pictures", self._draw_pictures)["pooled"]
        return torch.cat([seen, self._stage("inversion", self._invert)])

    def _fit_head(self) -> dict[str, Tensor]:
        seed = self.config.seed + _HEAD
        torch.manual_seed(seed)
        model = empty_model(CONFIG_FILE)
        model.load_state_dict(self.text.weights, strict=False)
        vectors = class_vectors(
            self.net, self.space, self.projection, self.classes, model, self.text
        )
        layer = self.trunk.classifier
        assert isinstance(layer, nn.Linear)
        classifier = Classifier(layer.weight.detach(), layer.bias.detach())
        stored = self.features()
        visual = self.space.lemmas_LD[: self.vocabulary.visual_count]
        nouns = self.projection.apply(visual)
        fitter = HeadFitter(classifier, vectors, nouns, stored, self.config.head, seed)
        head = fitter.fit()
        print(f"head {fidelity(fitter, head, stored)}", flush=True)
        return head.state_dict()

    def write(self, folder: Path) -> Path:
        """Runs what is missing and writes the model file into ``folder``."""
        width = self.config.head.embed_dim
        head = Mlp(TRUNK_DIM, 2 * width, width)
        text = self.text
        head.load_state_dict(self._stage("head", self._fit_head))
        torch.manual_seed(self.config.seed)
        model = empty_model(CONFIG_FILE)
        scale, seed = self.config.head.logit_scale, self.config.seed + _MIXING
        assemble.fill_model(model, self.trunk, head, text, scale, seed)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{MODEL_NAME}.safetensors"
        assemble.save_model(model, path)
        return path
