from pathlib import Path

import pytest

from poolscore.evaluation.labeled_folder import LabeledFolder
from services.demo.dataset import Dataset
from services.demo.present import measured_on, verdict
from tests.unit.services.demo.test_options import OPTIONS
from tests.unit.services.demo.test_summary import SUMMARY


@pytest.mark.parametrize(
    ("random", "said"),
    [
        (0.5, "10.0 points above images drawn at random"),
        (0.638, "3.8 points below images drawn at random"),
        (0.6003, "the same as images drawn at random"),
    ],
)
def test_the_verdict_says_how_it_compares_even_when_it_lost(random: float, said: str):
    text = verdict(SUMMARY.model_copy(update={"random_final_accuracy": random}))
    assert said in text
    assert "32 labels took accuracy from 40.0% (zero-shot) to 60.0%, +20.0 points" in text


def test_the_verdict_does_not_hide_a_loss():
    worse = verdict(SUMMARY.model_copy(update={"final_accuracy": 0.3}))
    assert "to 30.0%, -10.0 points" in worse


def test_it_is_said_that_pool_and_test_images_show_the_same_photographs():
    data = Dataset(
        LabeledFolder(Path("/d"), "label", ["cat", "moon"], [], [(Path("/d/1.jpg"), "cat")] * 1200)
    )
    ours = measured_on(OPTIONS, data)
    assert "1,200 other crops of the same 2 photographs that the pool is cut from" in ours
    own = measured_on(OPTIONS.model_copy(update={"data": Path("/d")}), data)
    assert own == "Measured on 1,200 test images, which are never labelled."
