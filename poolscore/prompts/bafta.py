"""BaFTA: classes as clusters of unlabeled images, without labels and without gradients.

arXiv 2406.11309: class centroids by online clustering in a projected space; predictions of text
features, centroids and augmented views averaged, each weighted by its Renyi entropy [A: abstract].
Form of projection, update and weights, and every number, is ours [C]. Shapes: N images, n of a
batch, V views of each, C classes, D embedding width.
"""

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn.functional import normalize, one_hot


class BaftaConfig(BaseModel):
    """Every default is ours [C]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    renyi_order: float = Field(default=0.5, gt=0)
    """a of the Renyi entropy, not 1; below 1 small probabilities count for more."""
    text_count: float = Field(default=10.0, gt=0)
    """Images that a text feature counts for as the first member of its cluster."""
    batch: int = Field(default=256, ge=1)
    """Images that are assigned before the centroids move."""
    drop_common: bool = True
    """Whether the direction that all text features share is left out of the projection."""


@dataclass(frozen=True)
class Bafta:
    """Text features and the centroids that were found."""

    text_CD: torch.Tensor
    centroid_CD: torch.Tensor
    """In the projected space, L2-normalised."""
    projection_DD: torch.Tensor
    scale: float
    config: BaftaConfig

    def predict(self, image_VND: torch.Tensor) -> torch.Tensor:
        """Probabilities (N, C) of images (N, D), or of several views of each (V, N, D)."""
        views_VND = image_VND if image_VND.dim() == 3 else image_VND[None]
        by_text = (self.scale * views_VND @ self.text_CD.T).softmax(dim=-1)
        projected = normalize(views_VND @ self.projection_DD, dim=-1)
        by_centroid = (self.scale * projected @ self.centroid_CD.T).softmax(dim=-1)
        return renyi_average(torch.cat([by_text, by_centroid]), self.config.renyi_order)


def fit_bafta(
    image_ND: torch.Tensor, text_CD: torch.Tensor, scale: float, config: BaftaConfig | None = None
) -> Bafta:
    """One pass over the images in the order given; same order, same centroids.

    An image joins the cluster of its prediction by text features and centroids together; a
    centroid is the mean direction of its members and its text feature.
    """
    config = config or BaftaConfig()
    projection_DD = text_projection(text_CD, config.drop_common)
    sum_CD = config.text_count * normalize(text_CD @ projection_DD, dim=-1)
    state = Bafta(text_CD, normalize(sum_CD, dim=-1), projection_DD, scale, config)
    for batch_nD in image_ND.split(config.batch):
        joined_nC = one_hot(state.predict(batch_nD).argmax(dim=1), len(text_CD)).to(batch_nD)
        sum_CD = sum_CD + joined_nC.T @ normalize(batch_nD @ projection_DD, dim=-1)
        state = Bafta(text_CD, normalize(sum_CD, dim=-1), projection_DD, scale, config)
    return state


def text_projection(text_CD: torch.Tensor, drop_common: bool) -> torch.Tensor:
    """Projection (D, D) on the span of the text features, in which classes differ.

    Their first singular direction is what all texts have in common; it tells no classes apart.
    """
    _, size, basis_CD = torch.linalg.svd(text_CD, full_matrices=False)
    kept = size > size[0] * 1e-5
    # Two classes are kept apart by one direction at least.
    kept[0] = not (drop_common and int(kept.sum()) > 1)
    basis_RD = basis_CD[kept]
    return basis_RD.T @ basis_RD


def renyi_entropy(p_NC: torch.Tensor, order: float) -> torch.Tensor:
    """R(p) = log(sum of p^a) / (1 - a), one value a row [C]."""
    return p_NC.pow(order).sum(dim=-1).log() / (1.0 - order)


def renyi_average(p_ENC: torch.Tensor, order: float) -> torch.Tensor:
    """Mean over E predictions of each image, weighted by exp(-R(p)), (N, C) [C]."""
    weight_EN = (-renyi_entropy(p_ENC, order)).exp()
    return (weight_EN[..., None] * p_ENC).sum(dim=0) / weight_EN.sum(dim=0)[:, None]
