import json
from pathlib import Path

from services.demo.summary import RoundSummary, Summary, write_summary

ROUND = RoundSummary(
    labels=32,
    accuracy=0.6,
    accuracy_random=0.5,
    auroc_p_clean=None,
    auroc_max_prob=0.8,
    seconds=3.5,
)
SUMMARY = Summary(
    pool_size=105,
    embedded=100,
    rejects={"EMPTY": 5},
    resumed=0,
    zero_shot_accuracy=0.4,
    rounds=[ROUND],
    final_accuracy=0.6,
    random_final_accuracy=0.5,
    stages={"embed": 10.0},
)


def test_a_program_can_read_it(tmp_path: Path):
    path = tmp_path / "summary.json"
    write_summary(SUMMARY, path)
    assert json.loads(path.read_text()) == {
        "pool_size": 105,
        "embedded": 100,
        "rejects": {"EMPTY": 5},
        "resumed": 0,
        "zero_shot_accuracy": 0.4,
        "rounds": [
            {
                "labels": 32,
                "accuracy": 0.6,
                "accuracy_random": 0.5,
                "auroc_p_clean": None,
                "auroc_max_prob": 0.8,
                "seconds": 3.5,
            }
        ],
        "final_accuracy": 0.6,
        "random_final_accuracy": 0.5,
        "stages": {"embed": 10.0},
    }
    assert list(tmp_path.iterdir()) == [path]
