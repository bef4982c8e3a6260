import numpy as np
import numpy.typing as npt
import pytest
import torch

from poolscore.errors import InvalidInputError
from poolscore.scoring.kernel import score
from poolscore.scoring.types import Adapter, PromptFeatures, Scores

Float64 = npt.NDArray[np.float64]


def unit(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(x, dim=-1)


def clustered(count: int, classes: int, width: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images around class centres that all share one strong direction, as in CLIP's space."""
    generator = torch.Generator().manual_seed(seed)
    common = 2.0 * unit(torch.randn(width, generator=generator))
    centres = unit(torch.randn(classes, width, generator=generator))
    labels = torch.randint(classes, (count,), generator=generator)
    noise = torch.randn(count, width, generator=generator) * 1.5 / width**0.5
    return unit(common + centres[labels] + noise), unit(common + centres)


def prompts_of(
    text_CD: torch.Tensor, scale: float, seed: int, rank: int, dual: bool
) -> PromptFeatures:
    generator = torch.Generator().manual_seed(seed)
    negative = unit(text_CD + 0.03 * torch.randn(text_CD.shape, generator=generator))
    width = text_CD.shape[1]
    adapter = None
    if rank:
        adapter = Adapter(
            torch.randn(width, rank, generator=generator) / width**0.5,
            torch.randn(rank, width, generator=generator) / width**0.5,
        )
    return PromptFeatures(text_CD, negative if dual else None, scale, adapter)


def oracle(embeddings_ND: npt.NDArray[np.float16], prompts: PromptFeatures) -> dict[str, Float64]:
    """The definitions, one after another, in float64, with whole logits and no algebra."""
    v = embeddings_ND.astype(np.float64)
    if prompts.adapter is not None:
        v = (
            v
            + v @ prompts.adapter.down_DR.double().numpy() @ prompts.adapter.up_RD.double().numpy()
        )
        v /= np.linalg.norm(v, axis=1, keepdims=True)
    z = prompts.scale * v @ prompts.positive_CD.double().numpy().T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    predicted = p.argmax(axis=1)
    ordered = np.sort(p, axis=1)
    rows = np.arange(len(v))
    p_clean = ordered[:, -1]
    if prompts.negative_CD is not None:
        negative = prompts.scale * v @ prompts.negative_CD.double().numpy().T
        p_clean = 1 / (1 + np.exp(negative[rows, predicted] - z[rows, predicted]))
    return {
        "predicted": predicted,
        "probability": ordered[:, -1],
        "margin": ordered[:, -1] - ordered[:, -2],
        "entropy": -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1),
        "p_clean": p_clean,
    }


def rank_correlation(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    first, second = (np.argsort(np.argsort(x)).astype(np.float64) for x in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


@pytest.mark.parametrize(
    ("scale", "rank", "dual"), [(100.0, 0, True), (15.0, 8, True), (15.0, 4, False)]
)
def test_kernel_agrees_with_float64(scale: float, rank: int, dual: bool) -> None:
    images, text = clustered(6000, 40, 256, seed=1)
    embeddings = images.half().numpy()
    prompts = prompts_of(text, scale, seed=2, rank=rank, dual=dual)
    expected = oracle(embeddings, prompts)
    got = score(embeddings, prompts, device="cpu")
    assert np.mean(got.predicted == expected["predicted"]) >= 0.9995
    same = got.predicted == expected["predicted"]
    for name in ("probability", "margin", "entropy", "p_clean"):
        found, exact = getattr(got, name), expected[name]
        np.testing.assert_allclose(found[same], exact[same], atol=2e-4)
        assert rank_correlation(found, exact) >= 0.999, name
        # What strategies ask by; the surest are all 1 in float32.
        asked = -1 if name == "entropy" else 1
        best = [set(np.argsort(asked * each)[:60].tolist()) for each in (found, exact)]
        assert len(best[0] & best[1]) >= 59, name


def test_two_classes_by_hand() -> None:
    # cos = 0.6 and 0.8 with scale 10: p = sigmoid(2) = 0.880797, H = 0.365334 nats.
    # Negative vector of class 1 has cos 0.6: p_clean = sigmoid(10 * 0.2), the same number.
    embeddings = np.array([[0.6, 0.8]], np.float16)
    positive = torch.eye(2)
    negative = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    got = score(embeddings, PromptFeatures(positive, negative, 10.0))
    assert got.predicted.tolist() == [1]
    assert got.probability[0] == pytest.approx(0.880797, abs=5e-4)
    assert got.margin[0] == pytest.approx(0.761594, abs=1e-3)
    assert got.entropy[0] == pytest.approx(0.365334, abs=1e-3)
    assert got.p_clean[0] == pytest.approx(0.880797, abs=5e-4)


def test_small_differences_of_positive_and_negative_survive() -> None:
    # 1e-3 apart: the difference of two rounded products would be noise.
    images, text = clustered(2000, 10, 256, seed=5)
    embeddings = images.half().numpy()
    generator = torch.Generator().manual_seed(6)
    negative = text + 1e-3 * unit(torch.randn(text.shape, generator=generator))
    prompts = PromptFeatures(text, negative, 100.0)
    expected = oracle(embeddings, prompts)
    got = score(embeddings, prompts, device="cpu")
    assert rank_correlation(got.p_clean, expected["p_clean"]) >= 0.999


def test_read_only_and_empty_arrays() -> None:
    images, text = clustered(5, 3, 16, seed=7)
    embeddings = images.half().numpy()
    embeddings.flags.writeable = False
    prompts = prompts_of(text, 15.0, seed=8, rank=0, dual=True)
    assert len(score(embeddings, prompts)) == 5
    empty: Scores = score(embeddings[:0], prompts)
    assert len(empty) == 0
    assert empty.p_clean.dtype == np.float32


def test_one_class_is_certain() -> None:
    images, text = clustered(4, 1, 16, seed=9)
    got = score(images.half().numpy(), PromptFeatures(text, None, 15.0))
    assert got.margin.tolist() == [1.0] * 4
    assert got.entropy.tolist() == [0.0] * 4


def test_widths_must_match() -> None:
    _, text = clustered(2, 3, 16, seed=10)
    with pytest.raises(InvalidInputError, match="different encoders"):
        score(np.zeros((2, 8), np.float16), PromptFeatures(text, None, 15.0))


def test_scores_do_not_depend_on_how_a_pool_is_split() -> None:
    """To the last bit, or rankings would depend on how shards are spread over scorers."""
    v, text = clustered(5000, 7, 32, 3)
    features, prompts = v.half().numpy(), prompts_of(text, 50.0, 4, 2, dual=True)
    whole = score(features, prompts)
    part = score(features[1234:4321], prompts)
    for name in ("predicted", "probability", "margin", "entropy", "p_clean"):
        assert np.array_equal(getattr(whole, name)[1234:4321], getattr(part, name))
