import pytest
import torch

from poolscore.scoring.product import product_with


@pytest.mark.parametrize("has_mkldnn", [True, False])
def test_products_are_exact_to_float32(has_mkldnn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: has_mkldnn)
    generator = torch.Generator().manual_seed(0)
    rows, vectors = (torch.randn(n, 512, generator=generator) for n in (64, 10))
    found = product_with(vectors, 64)(rows)
    assert found.dtype is torch.float32
    torch.testing.assert_close(
        found.double(), rows.double() @ vectors.double().T, atol=5e-5, rtol=0
    )
