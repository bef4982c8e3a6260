import json

import torch
from safetensors.torch import load, save

from poolscore.store.tensor_file import document_of, pack


def test_tensors_and_document_come_back_and_order_does_not_matter() -> None:
    one, two = torch.arange(6.0).view(2, 3), torch.tensor([1], dtype=torch.int64)
    data = pack({"one": one, "two": two}, {"a": 1, "b": ["größe"]})
    assert data == pack({"two": two, "one": one}, {"b": ["größe"], "a": 1})
    assert document_of(data) == {"a": 1, "b": ["größe"]}
    assert torch.equal(load(data)["one"], one)
    assert load(data)["two"].dtype == torch.float32
    assert torch.equal(load(pack({"t": one.T}, {}))["t"], one.T)


def test_other_bytes_have_no_document() -> None:
    plain = save({"x": torch.zeros(1)})
    listed = save({"x": torch.zeros(1)}, {"poolscore": json.dumps([1])})
    for data in (b"", b"\x89PNG", b"\xff" * 64, plain, listed, plain[:20]):
        assert document_of(data) == {}
