"""Embeddings in groups of very different sizes, and what their graph must be."""

import numpy as np
import numpy.typing as npt

WIDTH = 16


def cloud(count: int, seed: int = 0) -> npt.NDArray[np.float16]:
    """`count` L2-normalised vectors in about a hundred groups."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(100, WIDTH))
    points = centres[(rng.random(count) ** 2 * 100).astype(int)] + 0.4 * rng.normal(
        size=(count, WIDTH)
    )
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


def brute_force(
    features_ND: npt.NDArray[np.float16], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The k nearest others by all similarities in float64."""
    exact_ND = features_ND.astype(np.float64)
    similarity_NN = exact_ND @ exact_ND.T
    np.fill_diagonal(similarity_NN, -np.inf)
    rows_NK = np.argsort(-similarity_NN, axis=1, kind="stable")[:, :k]
    return rows_NK, np.take_along_axis(similarity_NN, rows_NK, 1)
