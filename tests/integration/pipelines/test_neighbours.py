"""The neighbour graph of real photographs, from embedding to ranking."""

from pathlib import Path

from PIL import Image

from poolscore.encoder.encoder import Encoder
from poolscore.store.neighbour_graphs import find_graph
from poolscore.store.ranking_file import read_ranking
from poolscore.store.rankings import get_ranking
from tests.embedding_world import EmbeddingWorld
from tests.photographs import write_photographs


def copy_of(path: Path) -> Path:
    """The photograph at 80 % of its size, badly compressed."""
    target = path.with_name(f"copy-of-{path.name}")
    with Image.open(path) as image:
        small = image.resize((image.width * 8 // 10, image.height * 8 // 10))
        small.save(target, quality=60)
    return target


def test_copies_are_found_and_the_graph_grows_with_the_pool(
    tmp_path: Path, encoder: Encoder
) -> None:
    world = EmbeddingWorld.create(tmp_path, encoder.digest)
    photographs = write_photographs(tmp_path / "photos", 24)
    first = world.embed_in_process(world.list_of(photographs), encoder)
    graph = find_graph(world.catalog, "photos", first.snapshot.number)
    assert graph is not None
    assert "neighbours" in {stage.stage for stage in first.stages}
    assert (graph.images, graph.details["groups"]) == (24, 0)
    copies = [copy_of(path) for path in photographs[:6]]
    second = world.embed_in_process(world.list_of(copies), encoder)
    grown = find_graph(world.catalog, "photos", second.snapshot.number)
    assert grown is not None
    assert grown.details["earlier"] == graph.sha256
    assert (grown.details["groups"], grown.details["images_in_groups"]) == (6, 12)
    ranking = read_ranking(*world.store, get_ranking(world.catalog, "photos", second.ranking))
    names = [item.uri.rpartition("/")[2] for item in ranking.items(range(len(ranking)))]
    assert sorted(name.removeprefix("copy-of-") for name in names) == sorted(
        path.name for path in photographs
    )
