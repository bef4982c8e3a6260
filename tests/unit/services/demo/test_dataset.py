from pathlib import Path

from poolscore.evaluation.labeled_folder import LabeledFolder
from services.demo.dataset import Dataset


def test_the_service_is_given_a_list_or_the_pools_own_folder(tmp_path: Path):
    images = [(tmp_path / "1.jpg", "a"), (tmp_path / "2.jpg", "b")]
    folder = LabeledFolder(tmp_path, "label", ["a", "b"], images, [(tmp_path / "3.jpg", "a")])
    listing = Path(Dataset(folder).source(tmp_path)).read_text().splitlines()
    assert listing == ["uri", (tmp_path / "1.jpg").as_uri(), (tmp_path / "2.jpg").as_uri()]
    assert Dataset(folder, tmp_path / "pool").source(tmp_path) == str(tmp_path / "pool")
