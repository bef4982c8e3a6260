"""The stage that encodes and scores: an actor that Ray Data maps over decoded batches.

Shapes: N rows of a batch, n of them decoded, D embedding width, S image size.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.config import EmbedConfig
from pipelines.decode_stage import pixels_from_arrow
from pipelines.metrics import EncoderClock, count_encoded, stage_time
from poolscore.cores import cores
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import FailedPreconditionError
from poolscore.scoring.types import PromptFeatures, Scores
from poolscore.store.arrow import compute as pc
from poolscore.store.shards import Float16, embeddings_to_arrow, shard_schema

GPU_BATCH, CPU_BATCH = 128, 16
"""Images in one forward pass; no more than a shard has, or most of a pass would be filling."""

CPU_THREADS = 8
"""Threads of an encoder without a GPU at most: more would find nothing to do in a shard."""


class EncoderStage:
    """An encoder actor: loads the model once, then turns decoded batches into shard rows."""

    def __init__(
        self, spec: EncoderSpec, digest: str, prompts: PromptFeatures, config: EmbedConfig
    ) -> None:
        """Load the encoder; FailedPreconditionError ENCODER_CHANGED when it is another one."""
        from poolscore.encoder.load import load_encoder

        self._encoder = load_encoder(spec, device="cuda" if config.encoder_gpus else "cpu")
        check_digest(digest, self._encoder.digest)
        self._prompts = prompts
        self._batch = config.encode_batch or (GPU_BATCH if config.encoder_gpus else CPU_BATCH)
        self._schema = shard_schema(self._encoder.dim, digest)
        self._clock = EncoderClock()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Encode and score; rejects pass through without embedding and scores."""
        with self._clock.busy():
            return self._rows(batch)

    def _rows(self, batch: pa.Table) -> pa.Table:
        from poolscore.scoring.kernel import score

        valid_N = pc.is_null(batch["reject_reason"]).to_numpy()
        with stage_time("encode"):
            embeddings_nD = self._encode(batch["pixels"])
        scores = score(embeddings_nD, self._prompts, device=self._encoder.device.type)
        count_encoded(batch["reject_reason"])
        return shard_rows(batch, valid_N, embeddings_nD, scores, self._schema)

    def _encode(self, column: pa.ChunkedArray) -> Float16:
        """Batches of one size: the last bits of an embedding depend on it, and must not depend on
        how the images were spread over shards. A short batch is filled up with its own images."""
        height, width = self._encoder.preprocessing.size
        parts: list[Float16] = [np.empty((0, self._encoder.dim), np.float16)]
        pixels_n3SS = pixels_from_arrow(column).reshape(-1, 3, height, width)
        for start in range(0, len(pixels_n3SS), self._batch):
            some = pixels_n3SS[start : start + self._batch]
            full = len(some) == self._batch
            batch = some if full else some[np.arange(self._batch) % len(some)]
            parts.append(self._encoder.encode_images(batch)[: len(some)])
        return np.concatenate(parts)


class DecodingEncoderStage(EncoderStage):
    """Decodes what it encodes, a few images in each thread: where the encoder has no GPU.

    Nothing waits for anything else, and no pixels travel between processes. Threads that share a
    batch wait for each other in every layer, and three times as long when another process takes a
    core for a while; threads with batches of their own do not.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        digest: str,
        prompts: PromptFeatures,
        config: EmbedConfig,
        decode_rows: Callable[[pa.Table], pa.Table],
    ) -> None:
        """Load the encoder and start the threads; raises as `EncoderStage`."""
        super().__init__(spec, digest, prompts, config)
        import torch

        threads = config.encoder_threads or min(cores(), CPU_THREADS)
        self._decode = decode_rows
        self._threads = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Decode, encode and score."""
        few = [batch.slice(start, self._batch) for start in range(0, len(batch), self._batch)]
        with self._clock.busy():
            rows = list(self._threads.map(self._embed, few))
        return pa.concat_tables([self._schema.empty_table(), *rows])

    def _embed(self, few: pa.Table) -> pa.Table:
        return self._rows(self._decode(few))


def check_digest(expected: str, loaded: str) -> None:
    """Raise FailedPreconditionError ENCODER_CHANGED when a pool's encoder is not what it was."""
    if expected != loaded:
        raise FailedPreconditionError(
            f"the encoder here has digest {loaded[:12]}, the pool was registered with "
            f"{expected[:12]}: model, weights, precision or preprocessing differ; name the "
            "precision when you create a pool that several kinds of machine embed",
            reason="ENCODER_CHANGED",
        )


def shard_rows(
    batch: pa.Table,
    valid_N: npt.NDArray[np.bool_],
    embeddings_nD: npt.NDArray[np.float16],
    scores: Scores,
    schema: pa.Schema,
) -> pa.Table:
    """Rows of a shard: n embedded ones where `valid_N`, the others with nulls."""
    spread_ND = np.zeros((len(valid_N), embeddings_nD.shape[1]), np.float16)
    spread_ND[valid_N] = embeddings_nD
    columns: dict[str, Any] = {
        "embedding": embeddings_to_arrow(spread_ND, valid_N),
        "predicted": _spread(scores.predicted, valid_N),
        "probability": _spread(scores.probability, valid_N),
        "margin": _spread(scores.margin, valid_N),
        "entropy": _spread(scores.entropy, valid_N),
        "p_clean": _spread(scores.p_clean, valid_N),
    }
    names: Sequence[str] = schema.names
    arrays = [columns[name] if name in columns else batch[name] for name in names]
    return pa.table(arrays, schema=schema)


def _spread(values: npt.NDArray[Any], valid_N: npt.NDArray[np.bool_]) -> pa.Array:
    spread = np.zeros(len(valid_N), values.dtype)
    spread[valid_N] = values
    return pa.array(spread, mask=~valid_N)
