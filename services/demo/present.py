"""From what the demo found to what the report shows."""

from collections import Counter
from typing import TYPE_CHECKING

from poolscore import __version__
from poolscore.encoder.encoder import Encoder
from services.demo.dataset import Dataset
from services.demo.options import Options
from services.demo.summary import Summary
from services.report.data import ClassCount, RankedImage, ReportData

if TYPE_CHECKING:
    from services.demo.loop import Loop

_SHEET = 24


def present(
    options: Options, data: Dataset, loop: "Loop", summary: Summary, encoder: Encoder
) -> ReportData:
    """Everything that the report needs."""
    last = loop.ours[-1]
    pool = Counter(data.pool.values())
    return ReportData(
        title="Which images should a person label next?",
        pool=last.run.name.split("/")[1],
        strategy=options.strategy,
        encoder=encoder.spec.model,
        pool_size=summary.pool_size,
        embedded=summary.embedded,
        rejects=summary.rejects,
        curve=loop.curve,
        p_clean_right=last.doubt.p_clean[last.doubt.right].tolist(),
        p_clean_wrong=last.doubt.p_clean[~last.doubt.right].tolist(),
        contact_sheet=[
            RankedImage(
                uri=item.uri,
                predicted=item.prediction.label,
                probability=item.prediction.probability,
                p_clean=item.prediction.p_clean,
                reason=item.reason,
                truth=data.pool.get(item.uri),
            )
            for item in last.ranking[:_SHEET]
        ],
        measured_on=measured_on(options, data),
        balance=[
            ClassCount(name, loop.spent.get(name, 0), loop.spent_control.get(name, 0), pool[name])
            for name in data.classes
        ],
        stages=list(summary.stages.items()),
        verdict=verdict(summary),
        provenance={
            "snapshot": loop.ours[0].run.snapshot,
            "prompt version": last.run.prompt_version,
            "ranking": last.run.ranking,
            "encoder digest": encoder.digest,
            "seed": str(options.seed),
            "poolscore": __version__,
        },
    )


def measured_on(options: Options, data: Dataset) -> str:
    """Which images the accuracy is measured on, with what it therefore cannot say."""
    if options.data is not None:
        return f"Measured on {len(data.test):,} test images, which are never labelled."
    return (
        f"Measured on {len(data.test):,} other crops of the same {len(data.classes)} photographs "
        "that the pool is cut from, so it says nothing about photographs never seen."
    )


def verdict(summary: Summary) -> str:
    """One honest sentence: what labels brought, and how the choice compares with random."""
    labels = summary.rounds[-1].labels if summary.rounds else 0
    gain = 100 * (summary.final_accuracy - summary.zero_shot_accuracy)
    lead = 100 * (summary.final_accuracy - summary.random_final_accuracy)
    if abs(lead) < 0.05:
        compared = "the same as images drawn at random"
    else:
        compared = (
            f"{abs(lead):.1f} points {'above' if lead > 0 else 'below'} images drawn at random"
        )
    return (
        f"{labels} labels took accuracy from {summary.zero_shot_accuracy:.1%} (zero-shot) to "
        f"{summary.final_accuracy:.1%}, {gain:+.1f} points; that is {compared} with the same "
        "budget and training, in this one run."
    )
