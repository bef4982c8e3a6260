import torch

from poolscore.scoring.folding import fold
from poolscore.scoring.types import Adapter, PromptFeatures

CPU = torch.device("cpu")


def test_length_of_the_adapted_feature() -> None:
    generator = torch.Generator().manual_seed(0)
    v = torch.nn.functional.normalize(torch.randn(9, 20, generator=generator), dim=1)
    adapter = Adapter(
        torch.randn(20, 3, generator=generator), torch.randn(3, 20, generator=generator)
    )
    text = torch.nn.functional.normalize(torch.randn(4, 20, generator=generator), dim=1)
    columns = fold(PromptFeatures(text, None, 7.0, adapter), CPU)
    length = (v + v @ adapter.down_DR @ adapter.up_RD).norm(dim=1, keepdim=True)
    shrink = columns.inverse_length(v @ columns.weight_KD.T)
    assert shrink is not None
    torch.testing.assert_close(shrink, 1.0 / length, rtol=1e-4, atol=1e-4)


def test_rows_are_classes_then_twice_the_rank_of_the_adapter() -> None:
    text = torch.eye(3)
    adapter = Adapter(torch.zeros(3, 2), torch.zeros(2, 3))
    columns = fold(PromptFeatures(text, text.roll(1, 0), 1.0, adapter), CPU)
    assert columns.weight_KD.shape == (3 + 2 * 2, 3)
    torch.testing.assert_close(columns.weight_KD[:3], text - 1 / 3)
    torch.testing.assert_close(columns.difference_CD, text - text.roll(1, 0))


def test_without_adapter_the_products_are_logits() -> None:
    columns = fold(PromptFeatures(torch.eye(3), None, 15.0), CPU)
    assert columns.inverse_length(torch.zeros(5, 3)) is None
    torch.testing.assert_close(columns.weight_KD, 15.0 * (torch.eye(3) - 1 / 3))
