"""The demo from the first photograph to the report."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.stopwatch import Stopwatch
from poolscore.client import Client
from poolscore.config import Settings
from poolscore.encoder.load import load_encoder
from poolscore.encoder.spec import EncoderSpec
from poolscore.evaluation.labeled_folder import read_labeled_folder
from poolscore.store.pool_rules import check_strategy
from services.demo.arm import Arm, State
from services.demo.claim import claim
from services.demo.dataset import Dataset
from services.demo.measure import HeldOut, embed_test_set
from services.demo.options import Options, prepare
from services.demo.photographs import write_photographs
from services.demo.present import present
from services.demo.screen import Screen
from services.demo.summary import RoundSummary, Summary, write_summary
from services.report.data import CurvePoint
from services.report.render import write_report
from services.serve import start_service

POOL, CONTROL = "demo", "demo-random"


@dataclass(frozen=True)
class Loop:
    """What the rounds left: one entry a round in each arm, the first is zero-shot."""

    ours: list[State]
    control: list[State]
    spent: Mapping[str, int]
    spent_control: Mapping[str, int]

    @property
    def curve(self) -> list[CurvePoint]:
        """One point a round."""
        return [
            CurvePoint(
                labels=state.labels,
                accuracy=state.accuracy,
                accuracy_random=other.accuracy,
                auroc_p_clean=state.doubt.auroc_p_clean,
                auroc_max_prob=state.doubt.auroc_max_prob,
            )
            for state, other in zip(self.ours, self.control, strict=True)
        ]


def run_demo(options: Options, out: Path, screen: Screen) -> Summary:
    """Run the demo, or go on with one that was interrupted; writes summary.json and report.html."""
    out = out.expanduser().resolve()
    _check(options)
    with claim(out):
        return _demo(options, out, screen)


def _demo(options: Options, out: Path, screen: Screen) -> Summary:
    _greet(prepare(out, options), out, screen)
    watch = Stopwatch()
    with watch.stage("photographs"), screen.counting("cutting photographs") as show:
        data = _dataset(options, out, show)
    screen.done(
        "photographs",
        f"{len(data.pool):,} for the pool, {len(data.test):,} to test on",
        watch.stages[-1].seconds,
    )
    with watch.stage("test images"), screen.counting("embedding the test images") as show:
        encoder = load_encoder(EncoderSpec())
        test = embed_test_set(encoder, data.test, data.classes, out / "test.npz", show)
    screen.done(
        "test images",
        f"{encoder.spec.model}, {len(data.classes)} classes",
        watch.stages[-1].seconds,
    )
    settings = Settings(home=out / "state", catalog="", store="")
    with watch.stage("service"), screen.console.status("starting Ray, Ray Serve and the workers"):
        service = start_service(settings, port=0)
    try:
        screen.done("service", f"gRPC on {service.address}", watch.stages[-1].seconds)
        with Client(service.address) as client:
            loop = _run(options, data, test, settings, client, out, screen, watch)
    finally:
        with screen.console.status("stopping the service"):
            service.stop()
    summary = _summarize(loop, {each.stage: each.seconds for each in watch.stages})
    write_report(present(options, data, loop, summary, encoder), out / "report.html")
    write_summary(summary, out / "summary.json")
    return summary


def _check(options: Options) -> None:
    """Refuse before anything is dropped or started."""
    check_strategy(options.strategy)
    if options.data is not None:
        read_labeled_folder(options.data, options.seed)


def _greet(begin: str, out: Path, screen: Screen) -> None:
    screen.say("poolscore demo: which images should a person label next?", style="bold")
    if begin == "resumed":
        screen.say(f"Going on with the demo in {out} that was interrupted.")
    if begin == "again":
        screen.say(f"The demo in {out} was finished; starting a new one on the same photographs.")


def _dataset(options: Options, out: Path, show: Callable[[int, int], None]) -> Dataset:
    if options.data is not None:
        return Dataset(read_labeled_folder(options.data, options.seed))
    folder = out / "data"
    write_photographs(folder, options.seed, show, options.pool_size, options.test_size)
    return Dataset(read_labeled_folder(folder, options.seed), own_folder=folder / "pool")


def _run(
    options: Options,
    data: Dataset,
    test: HeldOut,
    settings: Settings,
    client: Client,
    out: Path,
    screen: Screen,
    watch: Stopwatch,
) -> Loop:
    ours = Arm(client, POOL, data.pool, test, settings.store_uri)
    control = Arm(client, CONTROL, data.pool, test, settings.store_uri)
    ours.create(data.classes, options.strategy)
    control.create(data.classes, "random")
    with watch.stage("embed"), screen.embedding() as show:
        loop = Loop([ours.embed(data.source(out), show)], [], {}, {})
    progress = loop.ours[0].run.progress
    resumed = f", {progress.resumed:,} of them before the interruption" if progress.resumed else ""
    screen.done(
        "embed",
        f"{progress.done:,} inputs{resumed}, {sum(progress.rejects.values())} rejected",
        watch.stages[-1].seconds,
    )
    size = options.labels_per_round or len(data.classes) * (1 if options.data else 2)
    with watch.stage("rounds"), screen.table():
        # The same embeddings, the same learner, the same budget: only the choice differs.
        loop.control.append(control.embed(f"pools/{POOL}", lambda _: None))
        screen.round(0, loop.curve[0], 0.0)
        for number in range(1, options.rounds + 1):
            for arm, states in ((ours, loop.ours), (control, loop.control)):
                label = f"round {number}, {'control' if arm is control else 'ours'}"
                states.append(
                    arm.round(
                        number,
                        size,
                        lambda run, label=label: screen.working(f"{label}: {run.progress.message}"),
                    )
                )
            screen.round(number, loop.curve[-1], loop.ours[-1].seconds)
    return replace(loop, spent=ours.count_labels(), spent_control=control.count_labels())


def _summarize(loop: Loop, stages: dict[str, float]) -> Summary:
    progress, curve = loop.ours[0].run.progress, loop.curve
    rounds = [
        RoundSummary(
            labels=point.labels,
            accuracy=point.accuracy,
            accuracy_random=point.accuracy_random,
            auroc_p_clean=_number(point.auroc_p_clean),
            auroc_max_prob=_number(point.auroc_max_prob),
            seconds=state.seconds,
        )
        for point, state in zip(curve[1:], loop.ours[1:], strict=True)
    ]
    return Summary(
        pool_size=progress.total,
        embedded=progress.total - sum(progress.rejects.values()),
        rejects=dict(progress.rejects),
        resumed=progress.resumed,
        zero_shot_accuracy=curve[0].accuracy,
        rounds=rounds,
        final_accuracy=curve[-1].accuracy,
        random_final_accuracy=curve[-1].accuracy_random,
        stages=stages,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
