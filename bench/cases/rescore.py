"""A new prompt version over cached embeddings: scores of a whole pool, and its top."""

import functools
import tempfile
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from bench.benchmark import Benchmark, Measurement
from bench.memory import peak_gib, reset_peak
from bench.timing import seconds
from bench.written_pool import SHARD, write_snapshot
from pipelines.resident import Block, ResidentEmbeddings
from poolscore.acquisition.ordering import lowest
from poolscore.encoder.spec import EncoderSpec
from poolscore.scoring.types import PromptFeatures
from poolscore.store.files import open_store
from services.scorer import Part, Scorer

IMAGES, WIDTH, CLASSES, TOP, REPEATS = 1_000_000, 512, 100, 10_000, 5
MORE = 10
"""Times as many images for the growth."""
BOUND_GIB = 13.5
"""What a scorer may take: enough for both pools."""
_BLOCK = 100_000


def measure_seconds() -> Measurement:
    """Against the budget; the peers are in the details."""
    found = _measured()
    return Measurement(found["ours_s"], 1.0 / found["ours_s"], found["product_s"], found)


def measure_numpy() -> Measurement:
    """Against NumPy, in the same process."""
    found = _measured()
    ratio = found["numpy_s"] / found["ours_s"]
    return Measurement(ratio, ratio, found["numpy_s"] / found["product_s"], found)


def measure_growth() -> Measurement:
    """Ten million against one million, in turn, both held by one scorer within its bound."""
    with tempfile.TemporaryDirectory(prefix="poolscore-bench-") as folder:
        small, large = _written(folder, IMAGES), _written(folder, MORE * IMAGES)
        ids_N, few, many = _ids(MORE * IMAGES), list[list[float]](), list[float]()
        reset_peak()
        before = peak_gib()
        scorer = Scorer(folder, int(BOUND_GIB * 2**30))
        loading = [seconds(functools.partial(scorer.names, part)) for part in (small, large)]
        loaded = peak_gib() - before
        for _ in range(REPEATS):
            few.append([seconds(lambda: _query(scorer, small, ids_N[:IMAGES])) for _ in range(3)])
            many.append(seconds(lambda: _query(scorer, large, ids_N)))
    peak = peak_gib() - before
    if peak > BOUND_GIB:
        raise AssertionError(f"a scorer bound to {BOUND_GIB:g} GiB took {peak:.2f} GiB")
    growth = float(np.median(np.array(many) / np.median(few, axis=1)))
    details = {
        "seconds_1m": few,
        "seconds_10m": many,
        "loading_s": loading,
        "bound_gib": BOUND_GIB,
        "loading_gib": loaded,
        "peak_gib": peak,
    }
    return Measurement(growth, (MORE + 0.5) / growth, float(MORE), details)


@functools.cache
def _measured() -> dict[str, float]:
    embeddings_ND, prompts = _embeddings(IMAGES), _prompts()
    pool, ids_N = _pool(embeddings_ND), _ids(IMAGES)
    wide_ND = embeddings_ND.astype(np.float32)
    _check(pool, prompts, wide_ND)
    narrow_ND = torch.from_numpy(wide_ND).bfloat16()
    ways: dict[str, Callable[[], object]] = {
        "ours_s": lambda: _rank(pool, prompts, ids_N),
        "product_s": lambda: _product(narrow_ND, prompts),
        "torch_loop_s": lambda: _torch_loop(narrow_ND, prompts),
        "numpy_s": lambda: _numpy(wide_ND, prompts),
    }
    # In turn, so that what else the machine does slows all of them down.
    rounds = [{name: seconds(run) for name, run in ways.items()} for _ in range(REPEATS + 1)]
    return {name: float(np.median([each[name] for each in rounds[1:]])) for name in ways}


def _rank(
    pool: ResidentEmbeddings, prompts: PromptFeatures, ids_N: npt.NDArray[np.str_]
) -> npt.NDArray[np.int64]:
    return lowest(-pool.score(prompts).entropy, ids_N, TOP)


def _query(scorer: Scorer, part: Part, ids_N: npt.NDArray[np.str_]) -> None:
    lowest(-scorer.score(part, _prompts()).entropy, ids_N, TOP)


def _written(root: str, count: int) -> Part:
    """A pool in a file store, which one scorer holds whole."""
    block_ND = _embeddings(_BLOCK)
    shards = (block_ND[: min(SHARD, count - start)] for start in range(0, count, SHARD))
    written = write_snapshot(open_store(root), f"p{count}", EncoderSpec(), "0" * 64, shards)
    return Part(written, 0, 1)


def _product(narrow_ND: torch.Tensor, prompts: PromptFeatures) -> None:
    """The products with all 2C vectors in bfloat16, in the fastest tiles: the budget's limit."""
    assert prompts.negative_CD is not None
    weight_KD = torch.cat([prompts.positive_CD, prompts.negative_CD]).bfloat16()
    rows = 8192
    out = torch.empty(rows, len(weight_KD), dtype=torch.bfloat16)
    for tile in narrow_ND.split(rows):
        torch.mm(tile, weight_KD.T, out=out[: len(tile)])


def _torch_loop(narrow_ND: torch.Tensor, prompts: PromptFeatures) -> torch.Tensor:
    """What a notebook does: batches, both softmax and p_clean, everything kept, sorted."""
    assert prompts.negative_CD is not None
    positive_CD = prompts.positive_CD.to(narrow_ND.dtype)
    negative_CD = prompts.negative_CD.to(narrow_ND.dtype)
    entropies: list[torch.Tensor] = []
    for batch in narrow_ND.split(4096):
        logits = prompts.scale * (batch @ positive_CD.T).float()
        probabilities = logits.softmax(dim=1)
        entropies.append(-(probabilities * logits.log_softmax(dim=1)).sum(dim=1))
        torch.sigmoid(logits - prompts.scale * (batch @ negative_CD.T).float())
    return torch.cat(entropies).argsort(descending=True)[:TOP]


def _numpy(wide_ND: npt.NDArray[np.float32], prompts: PromptFeatures) -> npt.NDArray[np.int64]:
    """The formulas as they are written, float32: the same scores, then a sort."""
    assert prompts.negative_CD is not None
    positive_NC = prompts.scale * (wide_ND @ prompts.positive_CD.numpy().T)
    negative_NC = prompts.scale * (wide_ND @ prompts.negative_CD.numpy().T)
    weights_NC = np.exp(positive_NC - positive_NC.max(axis=1, keepdims=True))
    p_NC = weights_NC / weights_NC.sum(axis=1, keepdims=True)
    entropy_N = -(p_NC * np.log(np.maximum(p_NC, 1e-30))).sum(axis=1)
    rows = np.arange(len(p_NC)), p_NC.argmax(axis=1)
    p_clean_N = 1.0 / (1.0 + np.exp(negative_NC[rows] - positive_NC[rows]))
    assert len(p_clean_N) == len(entropy_N)
    return np.argsort(-entropy_N)[:TOP]


def _check(
    pool: ResidentEmbeddings, prompts: PromptFeatures, wide_ND: npt.NDArray[np.float32]
) -> None:
    """A fast wrong ranking is no result: the top must be float32's."""
    logits_NC = prompts.scale * (wide_ND @ prompts.positive_CD.numpy().T)
    exact_N = torch.from_numpy(logits_NC)
    entropy_N = -(exact_N.softmax(dim=1) * exact_N.log_softmax(dim=1)).sum(dim=1).numpy()
    expected = set(np.argsort(-entropy_N)[:TOP].tolist())
    found = set(np.argsort(-pool.score(prompts).entropy)[:TOP].tolist())
    if len(expected & found) < 0.999 * TOP:
        raise AssertionError(f"only {len(expected & found):,} of the {TOP:,} best are float32's")


def _embeddings(count: int) -> npt.NDArray[np.float16]:
    """Unit vectors; blocks repeat in another order, as a generator would take minutes."""
    generator = torch.Generator().manual_seed(0)
    block = torch.nn.functional.normalize(torch.randn(_BLOCK, WIDTH, generator=generator), dim=1)
    half = block.half().numpy()
    out_ND = np.empty((count, WIDTH), np.float16)
    for start in range(0, count, _BLOCK):
        out_ND[start : start + _BLOCK] = np.roll(half, start // _BLOCK, axis=0)
    return out_ND


def _prompts() -> PromptFeatures:
    generator = torch.Generator().manual_seed(1)
    text = torch.nn.functional.normalize(torch.randn(2, CLASSES, WIDTH, generator=generator), dim=2)
    return PromptFeatures(text[0], text[1], 100.0)


def _pool(embeddings_ND: npt.NDArray[np.float16]) -> ResidentEmbeddings:
    nothing = pa.array([], pa.string())
    return ResidentEmbeddings((Block({}, nothing, nothing, embeddings_ND),))


def _ids(count: int) -> npt.NDArray[np.str_]:
    return np.arange(count).astype(np.str_)


_WORKLOAD = (
    f"score {IMAGES:,} cached embeddings of width {WIDTH} by {CLASSES} classes with two prompts, "
    f"and take the {TOP:,} of the largest entropy"
)

BENCHMARKS = (
    Benchmark(
        name="rescore_1m_seconds",
        workload=_WORKLOAD,
        unit="s",
        peer="a budget of 1.0 s",
        floor=1.0,
        measure=measure_seconds,
    ),
    Benchmark(
        name="rescore_vs_numpy",
        workload=_WORKLOAD,
        unit="x",
        peer="NumPy in float32: products, softmax, entropy, p_clean and argsort as written",
        floor=5.0,
        measure=measure_numpy,
    ),
    Benchmark(
        name="rescore_growth_10m_over_1m",
        workload=(
            f"the same for {MORE * IMAGES:,} embeddings beside {IMAGES:,} others, read from shards "
            f"and held by one scorer, which may take {BOUND_GIB:g} GiB"
        ),
        unit="x",
        peer="at most 10.5 times the time of a million",
        floor=1.0,
        measure=measure_growth,
    ),
)
