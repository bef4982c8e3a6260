import re
from xml.etree import ElementTree

import pytest

from poolscore.evaluation.aggregate import ArmCells, compare_cells
from poolscore.evaluation.curves import auroc_curves, learning_curves
from poolscore.evaluation.records import Table
from tests.unit.evaluation.studies import cell, key, signals, study

_ARMS = [f"arm {number}" for number in range(19)]


def _texts(svg: bytes) -> list[str]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [element.text or "" for element in found]


def _large() -> bytes:
    cells = [
        cell(key(arm, seed, data=data), [0.3, *(0.5 + 0.01 * (i + n + seed) for n in range(8))])
        for data in "abcdef"
        for i, arm in enumerate(_ARMS)
        for seed in (0, 1)
    ]
    return learning_curves(compare_cells(study(*cells), Table.SELECTION), _ARMS, "arm 0")


def test_every_panel_and_arm_is_named_and_the_file_is_small() -> None:
    svg = _large()
    texts = _texts(svg)
    assert set(_ARMS) <= set(texts)
    assert [f"{data}, percent" for data in "abcdef"] == [t for t in texts if ", percent" in t]
    assert texts.count("zero-shot 30.0 %") == 6
    assert len(svg) < 150_000


def test_same_study_same_bytes_without_a_date() -> None:
    svg = _large()
    assert svg == _large()
    assert b"dc:date" not in svg
    assert b"Matplotlib v" not in svg


def test_every_line_looks_different_and_the_default_is_thick() -> None:
    strokes = re.findall(r'd="M[^"]*" [^>]*style="fill: none; ([^"]*)"', _large().decode())
    looks = {stroke.removesuffix("; stroke-linecap: square") for stroke in strokes}
    looks = {look for look in looks if "stroke-width: 0.8" not in look}  # axes and their grid
    assert len(looks) == len(_ARMS)
    assert sum("stroke-width: 2.8" in look for look in looks) == 1


def test_an_unfinished_panel_says_so_and_an_empty_one_is_left_out() -> None:
    cells = [cell(key("ours", seed), [0.25, 0.5]) for seed in (0, 1, 2)]
    cells += [cell(key("other", 0), [0.25, 0.5]), cell(key("ours", 0, data="dogs"), [0.25, 0.5])]
    cells += [cell(key("other", 1, data="dogs"), [0.25, 0.5])]
    places = compare_cells(study(*cells), Table.SELECTION)
    texts = _texts(learning_curves(places, ["ours", "other"], "ours"))
    assert "zero-shot 25.0 %, 1 of 3 seeds" in texts
    assert not any("dogs" in text for text in texts)


def test_auroc_names_the_signals() -> None:
    cells = [cell(key(), [0.5] * 3, auroc=[None, *[signals(0.6, 0.7, 0.8, 0.9)] * 2])]
    texts = _texts(auroc_curves([("cats", ArmCells("ours", tuple(cells)))]))
    assert {"cats", "evidence", "p_clean", "largest probability", "entropy"} <= set(texts)


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        learning_curves([], [], "ours")
