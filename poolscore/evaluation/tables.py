"""The tables of a study's page, as Markdown; accuracies in per cent, mean ± std over seeds."""

from collections.abc import Callable, Sequence

from poolscore.evaluation.aggregate import ArmCells, Comparison, auroc_of, ranked
from poolscore.evaluation.difference import arm_difference
from poolscore.evaluation.markdown import MISSING, count, p_value, percent, points, share, table
from poolscore.evaluation.records import Cell, Round
from poolscore.evaluation.summary import FIRST_AUROC_ROUND, late_auroc

SIGNALS = {
    "correctness": "evidence",
    "p_clean": "p_clean",
    "max_prob": "largest probability",
    "entropy": "entropy",
}
"""Fields of `Signals` and what a reader calls them."""
_SPENT = {"answers": "answers", "kept": "kept unasked", "pseudo_labels": "mined"}


def round_table(comparison: Comparison, default: str) -> str:
    """One comparison: an arm a row, the best average first; `default` is bold.

    Macro F1 and calibration error are those after the last round.
    """
    spent = [
        name
        for name in _SPENT
        if name == "answers" or any(arm.final(_field(name)).mean > 0 for arm in comparison.arms)
    ]
    header = [
        "arm",
        *(f"round {number}" if number else "zero-shot" for number in comparison.rounds),
        "average",
        "macro F1",
        "ECE",
        *(_SPENT[name] for name in spent),
        f"minus {default}",
        "p",
    ]
    rows = [
        _round_row(comparison, comparison.arm(name), default, spent)
        for name, _ in ranked([comparison])
    ]
    return table(header, rows)


def _round_row(
    comparison: Comparison, arm: ArmCells, default: str, spent: Sequence[str]
) -> list[str]:
    return [
        _named(arm.arm, default),
        *(percent(arm.at(number, _field("accuracy"))) for number in comparison.rounds),
        percent(arm.average),
        percent(arm.final(_field("macro_f1"))),
        share(arm.final(_field("calibration_error"))),
        *(count(arm.final(_field(name))) for name in spent),
        *_against([comparison], arm.arm, default)[:2],
    ]


def overall_table(comparisons: Sequence[Comparison], default: str) -> str:
    """Complete comparisons put together: an arm a row, the best average first."""
    header = [
        "arm", "average", *map(_place, comparisons),
        f"minus {default}", "p", "ahead in",
    ]  # fmt: skip
    rows = [
        [
            _named(name, default),
            f"{100 * mean:.1f}",
            *(percent(comparison.arm(name).average) for comparison in comparisons),
            *_against(comparisons, name, default),
        ]
        for name, mean in ranked(comparisons)
    ]
    return table(header, rows)


def noise_table(comparisons: Sequence[Comparison], arm: str, control: str) -> str:
    """Complete comparisons by noise: mean accuracy over data sets, and the gain of one arm.

    The last two rows are the gain of `arm` over `control` in percentage points and its p.
    """
    noises = sorted({comparison.noise for comparison in comparisons})
    columns = [[place for place in comparisons if place.noise == noise] for noise in noises]
    means = [dict(ranked(places)) for places in columns]
    rows = [
        [_named(name, arm), *(f"{100 * column[name]:.1f}" for column in means)]
        for name, _ in ranked(comparisons)
    ]
    gains = [arm_difference(places, arm, lambda _: control).test for places in columns]
    rows.append([f"{arm} minus {control}", *(points(gain.difference.mean) for gain in gains)])
    rows.append(["p", *(p_value(gain.p_value) for gain in gains)])
    return table(["arm", *(f"noise {noise:g}" for noise in noises)], rows)


def unlabelled_table(methods: Sequence[ArmCells]) -> str:
    """Methods without labels after their last round: a data set, protocol and method a row."""
    rows = [
        [
            f"{method.arm}, {method.cells[0].key.data}, {method.cells[0].key.protocol}",
            percent(method.final(_field("accuracy"))),
            percent(method.final(_field("macro_f1"))),
            share(method.final(_field("calibration_error"))),
            str(len(method.cells)),
        ]
        for method in methods
    ]
    return table(["method, data, protocol", "accuracy", "macro F1", "ECE", "seeds"], rows)


def auroc_table(cells: Sequence[Cell]) -> str:
    """AUROC of each signal by round, mean ± std over cells of one arm and protocol."""
    numbers = sorted({entry.number for cell in cells for entry in cell.rounds if entry.auroc})
    arm = ArmCells(cells[0].key.arm, tuple(cells))
    rows = [
        [
            name,
            *(share(arm.at(number, auroc_of(signal))) for number in numbers),
            share(late_auroc(cells, signal)),
        ]
        for signal, name in SIGNALS.items()
    ]
    header = ["signal", *(f"round {number}" for number in numbers)]
    return table([*header, f"rounds from {FIRST_AUROC_ROUND} on"], rows)


def _against(comparisons: Sequence[Comparison], arm: str, default: str) -> list[str]:
    """Difference to the default, its p, and in how many comparisons it is above 0."""
    if arm == default:
        return [MISSING] * 3
    found = arm_difference(comparisons, arm, lambda _: default)
    ahead = f"{found.ahead} of {found.comparisons}" if found.comparisons else MISSING
    return [points(found.test.difference.mean), p_value(found.test.p_value), ahead]


def _place(comparison: Comparison) -> str:
    return comparison.name + (f" ({comparison.remark})" if comparison.remark else "")


def _named(arm: str, default: str) -> str:
    return f"**{arm}**" if arm == default else arm


def _field(name: str) -> Callable[[Round], float]:
    return lambda entry: float(getattr(entry, name))
