import numpy as np
import torch

from poolscore.prompts.descriptions import (
    DescribedPromptText,
    average_embedding,
    average_similarity,
    described_names,
)
from tests.unit.prompts.toy_text import ToyText

OWNER = torch.tensor([0, 0, 1, 1, 1])


def test_names_and_owners() -> None:
    descriptors = {"cat": ["whiskers", "a small animal", "can climb"], "owl": []}
    names, owner = described_names(["owl", "cat"], descriptors)
    assert names == [
        "owl",
        "cat, which has whiskers",
        "cat, which is a small animal",
        "cat, which can climb",
    ]
    assert owner.tolist() == [0, 1, 1, 1]


def test_average_similarity_is_the_mean_of_the_logits() -> None:
    rng = np.random.default_rng(0)
    text, image = rng.standard_normal((5, 6)), rng.standard_normal((4, 6))
    unit = text / np.linalg.norm(text, axis=1, keepdims=True)
    logits = 20 * image @ unit.T
    expected = np.stack([logits[:, :2].mean(1), logits[:, 2:].mean(1)], axis=1)
    columns = average_similarity(torch.tensor(text), OWNER, 2).numpy()
    np.testing.assert_allclose(20 * image @ columns.T, expected, rtol=1e-10)


def test_average_embedding_by_hand() -> None:
    text = torch.tensor([[3.0, 0.0], [0.0, 4.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    # Means (1.5, 2) and (2/3, 0).
    expected = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    torch.testing.assert_close(average_embedding(text, OWNER, 2), expected)


def test_a_described_text_encoder_is_one_of_classes() -> None:
    texts = ToyText(classes=5)
    contexts = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    similarity = DescribedPromptText(texts, OWNER, "AS")
    embedding = DescribedPromptText(texts, OWNER, "AE")
    assert similarity.num_classes == embedding.num_classes == 2
    features = texts(contexts)[1]
    torch.testing.assert_close(similarity(contexts)[1], average_similarity(features, OWNER, 2))
    torch.testing.assert_close(embedding(contexts)[1], average_embedding(features, OWNER, 2))
