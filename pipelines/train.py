"""A training round: answers and pseudo-labels in, the next prompt version active if it may be."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipelines.answers import UsableAnswers, usable_answers
from pipelines.drift import changed_share
from pipelines.embeddings import Embeddings, OpenEmbeddings, ScoredPool, rows_of
from pipelines.places import Store
from pipelines.pool_graph import stored_neighbours
from pipelines.promote import held_out_of, judge
from pipelines.prompt_zero import zero_for_classes
from pipelines.pseudo_labels import Before, mine
from pipelines.rank import RankRequest, default_seed
from pipelines.rescore import rescore_pool
from pipelines.scan import scan
from pipelines.stopwatch import Stopwatch
from poolscore.encoder.encoder import Encoder
from poolscore.errors import FailedPreconditionError
from poolscore.prompts.artefact import load_prompts, save_prompts
from poolscore.prompts.config import DualPromptConfig
from poolscore.prompts.held_out import measure
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.prompts.trained import TrainedPrompts
from poolscore.prompts.version_metrics import CHANGED_PREDICTIONS
from poolscore.scoring.types import PromptFeatures
from poolscore.store import files
from poolscore.store.annotator_answers import answered_until, newest_answers
from poolscore.store.catalog import Catalog
from poolscore.store.pools import get_pool
from poolscore.store.prompt_versions import add_prompt_version, get_prompt_version
from poolscore.store.records import (
    Pool,
    Promotion,
    PromptVersion,
    Ranking,
    Run,
    RunProgress,
    StageSeconds,
)
from poolscore.store.snapshots import get_snapshot

OnProgress = Callable[[RunProgress], None]


@dataclass(frozen=True)
class TrainOutcome:
    """The prompt version and its ranking; they are active now unless the promotion was refused."""

    prompt_version: PromptVersion
    ranking: Ranking
    stages: tuple[StageSeconds, ...]


def train_pool(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    on_progress: OnProgress,
    encoder: Encoder,
    config: DualPromptConfig | None = None,
    seed: int | None = None,
    open_embeddings: OpenEmbeddings | None = None,
    run: Run | None = None,
) -> TrainOutcome:
    """Train on what is answered so far, score, rank and switch in one transaction.

    Labels that are held out (`poolscore.prompts.held_out`) judge the new version beside the active
    one; a version that is refused is ranked and stored, but the active one stays.

    Starts from scratch every round (arXiv 2602.04340, section on the loop [A]). Of several
    annotators of an image all newest answers count (`usable_answers`). Images that may show several
    classes choose the losses for them (arXiv 2407.07638); abstentions and answers about images that
    the snapshot does not hold are left out. The metrics count all of them, and hold under
    `annotator_accuracy/NAME` how often an annotator is taken to be right. The caller keeps
    `encoder` between rounds. Embeddings are read from their shards unless `open_embeddings` knows a
    better place. When the classes of the pool have changed, zero-shot prompts for the new ones take
    over first.

    A `run` has one version, however often its trainer is killed: an attempt that finds the version
    which an earlier one registered ranks it and trains nothing.

    Raises FailedPreconditionError POOL_NOT_EMBEDDED, and CLASSES_DIFFER when they change while it
    trains; AbortedError RUN_LOST when another attempt of the run has begun meanwhile, and
    PROMPTS_SUPERSEDED when a version other than the one it was judged against became active.
    """
    watch, config = Stopwatch(), config or DualPromptConfig()
    open_embeddings = open_embeddings or partial(scan, store)
    if run is not None and run.prompt_version is not None:
        version = get_prompt_version(catalog, pool_id, run.prompt_version)
    else:
        version = _new_version(
            catalog, store, pool_id, on_progress, encoder, config, seed, open_embeddings, run, watch
        )
    # A run that was killed and is repeated finds what was decided before.
    promoted = version.promotion is None or version.promotion.promoted
    # Not the snapshot that was trained on: images that came meanwhile are ranked as well.
    outcome = rescore_pool(
        catalog,
        store,
        pool_id,
        prompt_version=version.number,
        switch=promoted,
        over=() if version.parent is None else (version.parent,),
        on_message=lambda text: on_progress(RunProgress(message=text)),
        open_embeddings=open_embeddings,
        run=run,
    )
    return TrainOutcome(version, outcome.ranking, (*watch.stages, *outcome.stages))


def _new_version(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    on_progress: OnProgress,
    encoder: Encoder,
    config: DualPromptConfig,
    seed: int | None,
    open_embeddings: OpenEmbeddings,
    run: Run | None,
    watch: Stopwatch,
) -> PromptVersion:
    pool = _with_prompts_for_its_classes(catalog, store, pool_id, encoder, open_embeddings)
    snapshot, active = _active(pool)
    zero = zero_for_classes(catalog, store, pool, lambda: encoder)
    request = RankRequest(snapshot, active + 1)
    seed = default_seed(request) if seed is None else seed
    with watch.stage("collect"):
        on_progress(RunProgress(message="collecting labels"))
        given, watermark = newest_answers(catalog, pool_id)
        embeddings = open_embeddings(get_snapshot(catalog, pool_id, snapshot))
        usable = usable_answers(given, pool.classes, embeddings.ids)
        held_out_N = held_out_of(usable, config)
        answers = usable.where(~held_out_N)
        data = _answered(embeddings, answers)
        if config.pseudo_per_class:
            seen = _before(catalog, store, pool, snapshot, embeddings)
            rows, classes = mine(seen, answers, given, config)
            data = data.with_pseudo_labels(embeddings.take(rows), classes)
    with watch.stage("train"):
        text = encoder.prompt_encoder(pool.classes, config.context_length, config.class_specific)
        trained = train_dual_prompts(
            text,
            encoder.scale,
            data,
            config,
            seed,
            on_step=_steps(on_progress),
            anchor_CD=_load(store, get_prompt_version(catalog, pool_id, zero)).features.positive_CD,
            device=encoder.device,
        )
    with watch.stage("compare"):
        before = get_prompt_version(catalog, pool_id, active)
        old, held_out = _load(store, before), usable.where(held_out_N)
        promotion = judge(catalog, before, old, trained, held_out, embeddings, config)
        measured = _measured(embeddings, held_out, old.features, trained.features)
    with watch.stage("save"):
        metrics = {**trained.metrics, **_counts(answers, data), **measured}
        return _register(
            catalog,
            store,
            pool,
            trained,
            watermark,
            len(answers.ids),
            active,
            metrics,
            promotion,
            run,
        )


def _with_prompts_for_its_classes(
    catalog: Catalog,
    store: Store,
    pool_id: str,
    encoder: Encoder,
    open_embeddings: OpenEmbeddings,
) -> Pool:
    """The pool, whose active version predicts its classes and no others."""
    while True:
        pool = get_pool(catalog, pool_id)
        if get_prompt_version(catalog, pool_id, _active(pool)[1]).classes == pool.classes:
            return pool
        rescore_pool(
            catalog, store, pool_id, open_embeddings=open_embeddings, encoder=lambda: encoder
        )


def _active(pool: Pool) -> tuple[int, int]:
    if pool.active_snapshot is None or pool.active_prompt_version is None:
        raise FailedPreconditionError(
            f"pool '{pool.pool_id}' has no embeddings to train on: run "
            f"'poolscore embed {pool.pool_id} SOURCE' first",
            reason="POOL_NOT_EMBEDDED",
        )
    return pool.active_snapshot, pool.active_prompt_version


def _load(store: Store, version: PromptVersion) -> TrainedPrompts:
    filesystem, root = store
    return load_prompts(filesystem, files.absolute(root, version.uri))[0]


def _answered(embeddings: Embeddings, answers: UsableAnswers) -> TrainingSet:
    return TrainingSet(
        features_ND=embeddings.take(rows_of(embeddings.ids, answers.ids)),
        targets_N=answers.targets_N,
        pseudo_N=np.zeros(len(answers.ids), np.bool_),
        candidates_NC=answers.candidates_NC,
    )


def _before(
    catalog: Catalog, store: Store, pool: Pool, snapshot: int, embeddings: Embeddings
) -> Before:
    version = get_prompt_version(catalog, pool.pool_id, _active(pool)[1])
    prompts = _load(store, version).features
    return Before(
        ScoredPool(embeddings, embeddings.score(prompts)),
        prompts,
        answered_until(catalog, pool.pool_id, version.label_watermark),
        lambda: stored_neighbours(catalog, store, pool.pool_id, snapshot, embeddings.ids),
    )


def _measured(
    embeddings: Embeddings, held_out: UsableAnswers, before: PromptFeatures, after: PromptFeatures
) -> dict[str, float]:
    features_HD = embeddings.take(rows_of(embeddings.ids, held_out.ids))
    return {
        **measure(after, features_HD, held_out.targets_N),
        CHANGED_PREDICTIONS: changed_share(embeddings, before, after),
    }


def _counts(answers: UsableAnswers, data: TrainingSet) -> dict[str, float]:
    counted = {name: float(count) for name, count in answers.counts.items()}
    accuracy = {f"annotator_accuracy/{a}": p for a, p in answers.annotator_accuracy.items()}
    return {**counted, **accuracy, "pseudo_labels": float(data.pseudo_N.sum())}


def _steps(on_progress: OnProgress) -> Callable[[int, int, float], None]:
    def on_step(done: int, total: int, loss: float) -> None:
        on_progress(RunProgress(total=total, done=done, message=f"training, loss {loss:.3f}"))

    return on_step


def _register(
    catalog: Catalog,
    store: Store,
    pool: Pool,
    trained: TrainedPrompts,
    watermark: int,
    label_count: int,
    parent: int,
    metrics: dict[str, float],
    promotion: Promotion,
    run: Run | None,
) -> PromptVersion:
    filesystem, root = store
    folder = files.prompts_dir(root, pool.pool_id)
    digest, path = save_prompts(
        filesystem,
        folder,
        trained,
        {
            "pool": pool.pool_id,
            "encoder": pool.encoder_digest,
            "classes": list(pool.classes),
        },
    )
    uri = files.relative(root, path)
    return add_prompt_version(
        catalog,
        pool.pool_id,
        digest,
        uri,
        watermark,
        label_count,
        parent,
        metrics,
        pool.classes,
        promotion,
        run,
    )
