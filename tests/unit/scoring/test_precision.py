import torch

from poolscore.scoring.precision import product_dtype


def test_processors_never_multiply_float16() -> None:
    assert product_dtype(torch.device("cpu")) in (torch.bfloat16, torch.float32)
    assert product_dtype(torch.device("cuda")) is torch.float16
