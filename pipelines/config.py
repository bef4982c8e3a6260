"""How an embedding run uses the machine; what it produces depends on the precision alone, but for
the last bits of an embedding, which a batch of another size may round differently."""

from dataclasses import dataclass, field

from poolscore.images.decode import DecodeLimits


@dataclass(frozen=True)
class EmbedConfig:
    """Sizes, resources and limits of an embedding run."""

    rows_per_shard: int = 128
    """Rows of a shard and unit of progress: a killed run repeats the shards it had open, for each
    encoder two at most (on a GPU four)."""
    encode_batch: int = 0
    """Images in one forward pass; 0: 128 on a GPU, 16 in each thread of a CPU."""
    encoders: int = 0
    """Encoder actors, each loads the model once; 0: as many as there are GPUs, else one for every
    eight cores."""
    encoder_cpus: float = 0.5
    """Logical CPUs of an encoder; a fraction, so that it cannot starve the stages before it."""
    encoder_gpus: float | None = None
    """GPUs of an encoder; 0 runs it on the CPU, None takes one where the cluster has any."""
    encoder_threads: int = 0
    """Threads of an encoder without a GPU, each with images of its own; 0: the cores of its node,
    at most eight."""
    decode_tasks: int = 0
    """Decode tasks at a time beside encoders with GPUs; 0: one for each core of each node."""
    no_progress_timeout_s: float = 600.0
    """A run in which nothing moves for so long fails with an error instead of waiting for ever."""
    max_reject_ratio: float = 0.5
    """A run with a larger share of rejects is not committed; what it did is kept."""
    poll_s: float = 0.5
    """Time between two looks at the committed shards."""
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    """What is refused before it is decoded."""
