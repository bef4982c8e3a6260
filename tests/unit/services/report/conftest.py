"""A report over real photographs."""

from pathlib import Path

import pytest

from services.report.data import ClassCount, CurvePoint, RankedImage, ReportData
from tests.photographs import CLASSES, write_photographs


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photographs(tmp_path_factory.mktemp("pictures"), 8)


@pytest.fixture
def data(pictures: list[Path]) -> ReportData:
    return ReportData(
        title="Which images next?",
        pool="photographs",
        strategy="dual_prompt",
        encoder="poolscore-lite",
        pool_size=3_012,
        embedded=3_000,
        rejects={"EMPTY": 5, "TRUNCATED": 7},
        curve=[
            CurvePoint(0, 0.6128, 0.6128, 0.5511, 0.6422),
            CurvePoint(60, 0.7344, 0.7155, 0.6833, 0.6544),
            CurvePoint(120, 0.8271, 0.8402, 0.7955, 0.6666),
        ],
        p_clean_right=[0.9, 0.8, 0.95, 0.85],
        p_clean_wrong=[0.2, 0.4, 0.3],
        contact_sheet=[
            RankedImage(
                uri=path.as_uri(),
                predicted=CLASSES[number % 4],
                probability=0.31 + 0.01 * number,
                p_clean=0.11 + 0.01 * number,
                reason=f"{number + 1}. of its class",
                truth=CLASSES[number % 4] if number else "coins",
            )
            for number, path in enumerate(pictures)
        ],
        measured_on="Measured on 480 test images.",
        balance=[
            ClassCount("astronaut", 60, 30, 750),
            ClassCount("cat", 36, 30, 1_500),
            ClassCount("coffee", 24, 60, 750),
            ClassCount("rocket", 0, 0, 0),
        ],
        stages=[("embed", 48.25), ("train", 102.4)],
        verdict="120 labels took accuracy from 61.3% to 82.7%, below random.",
        provenance={"snapshot": "pools/photographs/snapshots/1", "seed": "17"},
    )
