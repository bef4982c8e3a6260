"""Small studies made by hand."""

from collections.abc import Sequence

from poolscore.evaluation.records import Cell, CellKey, Protocol, Round, Signals, Study, Table

SETTINGS = {"encoder": "abc", "version": "1"}


def key(
    arm: str = "ours",
    seed: int = 0,
    *,
    data: str = "cats",
    protocol: Protocol = Protocol.PERCENT,
    table: Table = Table.SELECTION,
    noise: float = 0.0,
) -> CellKey:
    return CellKey(data=data, protocol=protocol, table=table, arm=arm, seed=seed, noise=noise)


def cell(
    cell_key: CellKey,
    accuracy: Sequence[float],
    *,
    auroc: Sequence[Signals | None] = (),
    answers: int = 10,
) -> Cell:
    """Rounds from 0 on with these accuracies; `answers` more a round."""
    signals = auroc or [None] * len(accuracy)
    rounds = tuple(
        Round(
            number=number,
            answers=answers * number,
            accuracy=value,
            macro_f1=value / 2,
            calibration_error=0.125,
            auroc=signals[number],
            seconds=1.5,
        )
        for number, value in enumerate(accuracy)
    )
    return Cell(key=cell_key, pool=1000, classes=4, rounds=rounds)


def signals(p_clean: float, max_prob: float, entropy: float, correctness: float) -> Signals:
    return Signals(p_clean=p_clean, max_prob=max_prob, entropy=entropy, correctness=correctness)


def study(*cells: Cell) -> Study:
    return Study(settings=SETTINGS, cells=cells)
