"""Run the embedding plan on Ray Data: files in, protected shards out."""

from dataclasses import replace

import pyarrow as pa
import ray
from ray.data import Dataset
from ray.data.exceptions import ExecutionTimeoutError

from pipelines.cluster import cluster_cores, nodes, quieten
from pipelines.config import EmbedConfig
from pipelines.decode_stage import decode_batch
from pipelines.encode_stage import CPU_THREADS, DecodingEncoderStage, EncoderStage
from pipelines.failure import below_ray
from pipelines.in_flight import bound_in_flight
from pipelines.places import RunPlaces
from pipelines.protection import check_protected, checkpointing
from pipelines.shard_sink import ShardSink
from pipelines.stopping import ShouldStop, stoppable
from poolscore.cores import cores
from poolscore.encoder.geometry import Geometry
from poolscore.encoder.spec import EncoderSpec
from poolscore.errors import UnavailableError
from poolscore.scoring.types import PromptFeatures

SMALL_TASK_CPUS = 0.25
"""Logical CPUs of tasks that mostly wait."""
WRITERS = 2
"""Write tasks at a time."""
MINIMUM_CPUS = 3.0
"""Logical CPUs below which a resumed run starves: Ray Data's own listing, filtering and splitting
stages ask for one each and cannot be given less."""


def embed_to_shards(
    places: RunPlaces,
    spec: EncoderSpec,
    digest: str,
    geometry: Geometry,
    prompts: PromptFeatures,
    schema: pa.Schema,
    config: EmbedConfig,
    should_stop: ShouldStop,
) -> None:
    """Write shards for every planned input that no committed shard holds.

    Raises AbortedError RUN_STOPPED, UnavailableError NO_PROGRESS or TOO_FEW_CPUS, and what the
    encoder raises.
    """
    quieten()
    _check_cpus()
    config = _with_encoders(config)
    dataset = _stages(_planned(places), spec, digest, geometry, prompts, config)
    sink = ShardSink(places.shards, places.filesystem, schema)
    _configure(dataset, places, config)
    check_protected(dataset, sink)
    try:
        with stoppable(dataset.context, should_stop):
            dataset.write_datasink(
                sink, ray_remote_args={"num_cpus": SMALL_TASK_CPUS}, concurrency=WRITERS
            )
    except ExecutionTimeoutError as error:
        raise UnavailableError(
            f"nothing moved for {config.no_progress_timeout_s:.0f} s; free resources: "
            f"{ray.available_resources()}; the same command goes on from the committed shards",
            reason="NO_PROGRESS",
        ) from error
    except Exception as error:
        raise below_ray(error) from error


def _planned(places: RunPlaces) -> Dataset:
    """The frozen plan, read by Ray Data's first reader.

    The second one starts 32 actors to look at the footers of what is one file a million images,
    which took 45 s instead of 20 s for a run of eight images on two cores.
    """
    ray.data.DataContext.get_current().use_datasource_v2 = False
    return ray.data.read_parquet(
        places.inputs, filesystem=places.filesystem, num_cpus=SMALL_TASK_CPUS
    )


def _stages(
    dataset: Dataset,
    spec: EncoderSpec,
    digest: str,
    geometry: Geometry,
    prompts: PromptFeatures,
    config: EmbedConfig,
) -> Dataset:
    limits = config.limits

    def decode_rows(batch: pa.Table) -> pa.Table:
        return decode_batch(batch, geometry, limits)

    # strict: a shard has so many rows however small the blocks are that a resume leaves.
    bounded = dataset.repartition(target_num_rows_per_block=config.rows_per_shard, strict=True)
    arguments = (spec, digest, prompts, config)
    if not config.encoder_gpus:
        return bounded.map_batches(
            DecodingEncoderStage,
            fn_constructor_args=(*arguments, decode_rows),
            batch_format="pyarrow",
            batch_size=config.rows_per_shard,
            num_cpus=config.encoder_cpus,
            concurrency=config.encoders,
        )
    decoded = bounded.map_batches(
        decode_rows,
        batch_format="pyarrow",
        batch_size=config.rows_per_shard,
        num_cpus=SMALL_TASK_CPUS,
        concurrency=config.decode_tasks or cluster_cores(),
    )
    return decoded.map_batches(
        EncoderStage,
        fn_constructor_args=arguments,
        batch_format="pyarrow",
        batch_size=config.rows_per_shard,
        num_cpus=config.encoder_cpus,
        num_gpus=config.encoder_gpus,
        concurrency=config.encoders,
    )


def _with_encoders(config: EmbedConfig) -> EmbedConfig:
    """The configuration with the encoders that the cluster has room for."""
    gpus = ray.cluster_resources().get("GPU", 0.0)
    each = min(1.0, gpus) if config.encoder_gpus is None else config.encoder_gpus
    count = config.encoders or (max(1, int(gpus / each)) if each else _cpu_encoders())
    return replace(config, encoders=count, encoder_gpus=each)


def _cpu_encoders() -> int:
    return max(1, cores() // CPU_THREADS) * nodes()


def _check_cpus() -> None:
    cpus = ray.cluster_resources().get("CPU", 0.0)
    if cpus < MINIMUM_CPUS:
        raise UnavailableError(
            f"Ray has {cpus:g} logical CPUs and embedding needs {MINIMUM_CPUS:g}: start it with "
            "--num-cpus 8; they are shares, not cores",
            reason="TOO_FEW_CPUS",
        )


def _configure(dataset: Dataset, places: RunPlaces, config: EmbedConfig) -> None:
    context = dataset.context
    context.checkpoint_config = checkpointing(places)
    bound_in_flight(context, _blocks_in_flight(config))
    context.execution_no_progress_timeout_s = config.no_progress_timeout_s
    context.enable_progress_bars = False


def _blocks_in_flight(config: EmbedConfig) -> int:
    """One being encoded and one being written for each encoder.

    A GPU may be done with a block before the one before it is written: it has one more of each.
    """
    return (config.encoders or 1) * (4 if config.encoder_gpus else 2)
