import torch

from poolscore.prompts.adapter import adapt, initial_adapter
from poolscore.scoring.types import Adapter


def test_it_starts_as_the_identity() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.nn.functional.normalize(torch.randn(3, 8, generator=generator), dim=1)
    adapter = initial_adapter(8, 2, generator)
    assert adapter.down_DR.abs().sum() > 0
    torch.testing.assert_close(adapt(image, adapter), image)
    assert adapt(image, None) is image


def test_it_adds_a_low_rank_part_and_normalises() -> None:
    # v = e1, down picks v1, up sends it to e2: (1, 1) / sqrt(2).
    adapter = Adapter(torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(
        adapt(torch.tensor([[1.0, 0.0]]), adapter), torch.tensor([[0.5**0.5, 0.5**0.5]])
    )
