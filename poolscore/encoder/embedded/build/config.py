"""Every constant of the build, in small frozen groups."""

from __future__ import annotations

from dataclasses import dataclass, field

MODEL_NAME = "poolscore-lite"
TRUNK_DIM = 1280
TEACHER_DIM = 384
CLASS_COUNT = 1000


@dataclass(frozen=True)
class SpaceConfig:
    """The shared semantic space: MiniLM vectors spread over WordNet's tree.

    ``gloss_weight`` and ``parent_weight`` say how much of a noun's gloss and of its parents goes
    into its vector. ``dim`` is the size kept by the projection and ``whitening`` its power (0 none,
    1 full).
    """

    gloss_weight: float = 0.7
    parent_weight: float = 0.6
    dim: int = 96
    whitening: float = 0.5


@dataclass(frozen=True)
class TextConfig:
    """Training of the text tower."""

    steps: int = 3600
    batch: int = 512
    chunk: int = 128
    lr: float = 2.5e-3
    table_lr: float = 1.5e-3
    weight_decay: float = 0.02
    temperature: float = 0.06
    contrast_weight: float = 0.12
    relation_weight: float = 4.0
    held_out: int = 1200


@dataclass(frozen=True)
class PictureConfig:
    """Made-up pictures, drawn ``batch`` at a time."""

    batches: int = 64
    batch: int = 32


@dataclass(frozen=True)
class InversionConfig:
    """Made-up feature maps; ``keep`` are the steps at which a sample's features are stored."""

    batches: int = 24
    batch: int = 96
    steps: int = 16
    keep: tuple[int, ...] = (4, 9, 15)
    lr: float = 0.1
    statistics_weight: float = 1.0


@dataclass(frozen=True)
class HeadConfig:
    """The image head and its teacher.

    ``length_power`` shortens or evens out the semantic part (1 keeps the teacher's confidence);
    ``residual_length`` is the length of the visual part beside it.
    """

    embed_dim: int = 384
    top_classes: int = 20
    temperature: float = 1.5
    length_power: float = 0.5
    residual_length: float = 0.6
    residual_whitening: float = 0.5
    residual_weight: float = 0.3
    closeness_weight: float = 0.3
    closeness_temperature: float = 0.05
    nouns: int = 1000
    linear_units: int = 160
    evidence_quantile: float = 0.85
    push: float = 5.0
    steps: int = 1500
    batch: int = 512
    lr: float = 1e-3
    start_samples: int = 12_000
    basis_samples: int = 12_000
    logit_scale: float = 15.0


@dataclass(frozen=True)
class BuildConfig:
    """The whole build; every stage draws its random numbers from ``seed`` plus its own offset."""

    seed: int = 20261
    space: SpaceConfig = field(default_factory=SpaceConfig)
    text: TextConfig = field(default_factory=TextConfig)
    pictures: PictureConfig = field(default_factory=PictureConfig)
    inversion: InversionConfig = field(default_factory=InversionConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
