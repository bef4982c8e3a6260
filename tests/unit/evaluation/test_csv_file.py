import csv
import io
import math

from poolscore.evaluation.csv_file import COLUMNS, study_csv
from tests.unit.evaluation.studies import cell, key, signals, study


def test_a_row_a_cell_and_round_with_all_fields() -> None:
    found = study_csv(
        study(
            cell(key("b, c", 3), [0.5, 1 / 3], auroc=[None, signals(math.nan, 0.5, 0.25, 1.0)]),
            cell(key("a", 3), [0.75]),
        )
    )
    assert found.splitlines() == [
        "data,protocol,table,arm,seed,noise,pool,classes,number,answers,kept,pseudo_labels,"
        "accuracy,macro_f1,calibration_error,seconds,"
        "auroc_p_clean,auroc_max_prob,auroc_entropy,auroc_correctness",
        "cats,percent,selection,a,3,0,1000,4,0,0,0,0,0.75,0.375,0.125,1.5,,,,",
        'cats,percent,selection,"b, c",3,0,1000,4,0,0,0,0,0.5,0.25,0.125,1.5,,,,',
        'cats,percent,selection,"b, c",3,0,1000,4,1,10,0,0,0.333333,0.166667,0.125,1.5,,0.5,0.25,1',
    ]
    assert found.endswith("\n")
    assert all(len(row) == len(COLUMNS) for row in csv.reader(io.StringIO(found)))
