import math

import numpy as np
import pytest
import torch

from poolscore.prompts.bafta import (
    BaftaConfig,
    fit_bafta,
    renyi_average,
    renyi_entropy,
    text_projection,
)


def test_renyi_entropy_by_hand() -> None:
    p = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.9, 0.1]])
    # a = 2: -log(sum of p^2).
    expected = [math.log(2), 0.0, -math.log(0.82)]
    np.testing.assert_allclose(renyi_entropy(p, 2.0).numpy(), expected, atol=1e-6)
    uniform = torch.full((1, 4), 0.25)
    assert renyi_entropy(uniform, 0.5).item() == pytest.approx(math.log(4))


def test_average_by_hand() -> None:
    p = torch.tensor([[[0.5, 0.5]], [[0.9, 0.1]]])
    # exp(-R) for a = 2 is the sum of squares: 0.5 and 0.82.
    first = (0.5 * 0.5 + 0.82 * 0.9) / 1.32
    np.testing.assert_allclose(renyi_average(p, 2.0).numpy(), [[first, 1 - first]], rtol=1e-6)


def test_projection_keeps_what_tells_classes_apart() -> None:
    common = torch.tensor([[10.0, 0.0, 0.0, 0.0]])
    text = common + torch.tensor([[0.0, 1.0, 0, 0], [0, -0.5, 0.8, 0], [0, -0.5, -0.8, 0]])
    projection = text_projection(text, drop_common=True)
    torch.testing.assert_close(
        projection, torch.diag(torch.tensor([0.0, 1, 1, 0])), atol=0.01, rtol=0
    )
    torch.testing.assert_close(projection @ projection, projection, atol=1e-6, rtol=0)
    whole = text_projection(text, drop_common=False)
    torch.testing.assert_close(whole, torch.diag(torch.tensor([1.0, 1, 1, 0])), atol=1e-5, rtol=0)
    alone = text_projection(common, drop_common=True)
    torch.testing.assert_close(alone, torch.diag(torch.tensor([1.0, 0, 0, 0])))


def test_one_batch_by_hand() -> None:
    # Orthogonal texts, nothing dropped: the projection changes no image in their plane.
    text = torch.eye(2)
    image = torch.tensor([[0.8, 0.6], [0.96, 0.28], [0.28, 0.96]])
    config = BaftaConfig(drop_common=False, text_count=1.0)
    found = fit_bafta(image, text, 10.0, config).centroid_CD
    sums = np.array([[1 + 0.8 + 0.96, 0.6 + 0.28], [0.28, 1.96]])
    expected = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_clusters_beat_misplaced_texts() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.linalg.qr(torch.randn(16, 16, generator=generator))[0][:4]
    text = torch.nn.functional.normalize(true + 0.45 * true.roll(1, 0) + 0.1, dim=1)
    target = torch.arange(800) % 4
    noise = 0.25 * torch.randn(800, 16, generator=generator)
    image = torch.nn.functional.normalize(true[target] + noise, dim=1)
    zero_shot = ((image @ text.T).argmax(1) == target).float().mean()
    model = fit_bafta(image, text, 20.0)
    p = model.predict(image)
    torch.testing.assert_close(p.sum(1), torch.ones(800))
    assert (p.argmax(1) == target).float().mean() > zero_shot + 0.02
    views = model.predict(torch.stack([image, image]))
    torch.testing.assert_close(views, p)
