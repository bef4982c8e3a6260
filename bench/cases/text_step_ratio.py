"""A prompt-learning step through the shared prefix against the full 77-token pass."""

from pathlib import Path
from statistics import median

import open_clip
import torch
from torch import nn

from bench.benchmark import Benchmark, Measurement
from bench.timing import seconds
from poolscore.encoder.allocator import keep_freed_memory
from poolscore.encoder.plain import PlainPromptText
from poolscore.encoder.prompt_text import PromptTextEncoder
from poolscore.encoder.shared_prefix import SharedPrefixPromptText

MODEL, CONTEXTS, THREADS, ROUNDS, STEPS = "ViT-B-32", 16, 2, 3, 3
CLASSES = (Path(__file__).parent / "flowers.txt").read_text().splitlines()


def measure() -> Measurement:
    """Rounds of one full step and `STEPS` shared steps in turn, so that both meet the same load."""
    keep_freed_memory()
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model: nn.Module = open_clip.create_model(MODEL).eval().requires_grad_(False)
    tokenizer = open_clip.get_tokenizer(MODEL)
    full = PlainPromptText(model, tokenizer, CLASSES, CONTEXTS)
    shared = SharedPrefixPromptText(model, tokenizer, CLASSES, CONTEXTS)
    _check_equal(full, shared)
    full_s: list[float] = []
    shared_s: list[float] = []
    for _ in range(ROUNDS):
        full_s.append(seconds(lambda: _step(full)))
        shared_s += [seconds(lambda: _step(shared)) for _ in range(STEPS)]
    ratio = median(full_s) / median(shared_s)
    rows = 1 + CONTEXTS + shared.num_own_tokens
    details = {
        "full_s": full_s,
        "shared_s": shared_s,
        "tokens_full": 77 * len(CLASSES),
        "tokens_shared": rows,
    }
    return Measurement(ratio, ratio, _arithmetic_ratio(rows), details)


def _arithmetic_ratio(rows: int, layers: int = 12) -> float:
    """How many times fewer multiplications the linear layers of a shared step make.

    A layer costs 12 W^2 a token; the last one 2 W^2 a token (keys, values) and 10 W^2 a class.
    """
    full = 12 * layers * 77 * len(CLASSES)
    return full / (rows * (12 * (layers - 1) + 2) + 10 * len(CLASSES))


def _step(text: PromptTextEncoder) -> torch.Tensor:
    """Forward and backward; the gradient of the contexts."""
    generator = torch.Generator().manual_seed(0)
    contexts = torch.randn(1, CONTEXTS, text.width, generator=generator) * 0.02
    contexts.requires_grad_()
    features = text(contexts)
    weights = torch.randn(features.shape, generator=generator)
    (gradient,) = torch.autograd.grad((features * weights).sum(), contexts)
    return gradient


def _check_equal(full: PromptTextEncoder, shared: PromptTextEncoder) -> None:
    """A fast wrong step is no result. Also the warm-up of both."""
    expected, actual = _step(full), _step(shared)
    error = float((expected - actual).abs().max() / expected.abs().max())
    if error > 1e-5:
        raise AssertionError(f"the two steps differ by {error:.2g} of the largest gradient")


BENCHMARKS = (
    Benchmark(
        name="text_step_ratio",
        workload=(
            f"forward + backward of {CONTEXTS} learned contexts through {MODEL}'s text tower "
            f"(random weights, float32, {THREADS} threads) for {len(CLASSES)} flower names"
        ),
        unit="x",
        peer="the same step by open_clip's full 77-token pass, interleaved in the same process",
        floor=10.0,
        measure=measure,
    ),
)
