import pytest

from services.demo.subjects import SUBJECTS, photograph


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_wheel_carries_every_photograph(name: str):
    picture = photograph(name)
    assert picture.mode == "RGB"
    assert min(picture.size) >= 190
