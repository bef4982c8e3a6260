import torch

from poolscore.encoder.own_tokens import OwnTokens


def test_rows_are_sorted_by_length_and_found_again() -> None:
    own = OwnTokens([[10, 11, 9], [20, 9], [30, 31, 9], [40, 9]], 5, torch.device("cpu"))
    assert own.ids.tolist() == [20, 9, 40, 9, 10, 11, 9, 30, 31, 9]
    assert own.positions.tolist() == [5, 6, 5, 6, 5, 6, 7, 5, 6, 7]
    assert own.eos_rows.tolist() == [6, 8, 11, 14]
    assert own.eos_rows[own.class_order].tolist() == [11, 6, 14, 8]


def test_attention_equals_one_softmax_over_a_dense_mask() -> None:
    shared, tokens = 3, [[1, 9], [2, 3, 9], [4, 9]]
    own = OwnTokens(tokens, shared, torch.device("cpu"))
    owner = [-1] * shared + [0, 0, 1, 1, 2, 2, 2]  # two classes of length 2, then one of length 3
    rows = len(owner)
    allowed = torch.tensor(
        [[j <= i and owner[j] in (-1, owner[i]) for j in range(rows)] for i in range(rows)]
    )
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, rows, 8).unbind(0)
    heads = [slice(0, 4), slice(4, 8)]
    expected = torch.cat(
        [
            torch.softmax(
                (q[..., h] @ k[..., h].transpose(1, 2) / 2).masked_fill(~allowed, -torch.inf), -1
            )
            @ v[..., h]
            for h in heads
        ],
        dim=-1,
    )
    assert torch.allclose(own.attend(q, k, v, 2), expected, atol=1e-6)
    eos = own.attend_eos(q[:, own.eos_rows], k, v, 2)
    assert torch.allclose(eos, expected[:, own.eos_rows], atol=1e-6)
