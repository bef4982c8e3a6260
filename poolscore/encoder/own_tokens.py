"""The packed rows of a shared-prefix pass and their attention.

Rows are the K shared positions, then the own tokens of all classes, one class behind the other,
sorted by length: classes of one length are then a dense slice, so that nothing is padded.

Shapes: P prompts, C classes, R rows, K shared positions, W width, H heads, E width of a head,
G classes of one length, L their length, Q queries of each of them (L, or 1 for EOS alone).
"""

from dataclasses import dataclass
from itertools import groupby

import torch
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True)
class _Group:
    """Classes with equally many own tokens."""

    classes: int
    length: int
    mask_LN: torch.Tensor
    """Additive, N = K + L: all shared positions and the class's own up to the query."""


class OwnTokens:
    """Where each class's own tokens lie among the rows and what they may attend to."""

    def __init__(self, own: list[list[int]], shared: int, device: torch.device) -> None:
        """`own` has the token ids of each class, EOS last; `shared` is K."""
        order = sorted(range(len(own)), key=lambda index: len(own[index]))
        lengths = [len(own[index]) for index in order]
        ends = torch.tensor(lengths).cumsum(0) + shared
        self.ids = torch.tensor([token for index in order for token in own[index]], device=device)
        """(T,) token ids in row order."""
        self.positions = torch.cat([torch.arange(length) + shared for length in lengths]).to(device)
        """(T,) place of each own token in its text."""
        self.eos_rows = (ends - 1).to(device)
        """(C,) row of each class's EOS, in row order."""
        self.class_order = torch.argsort(torch.tensor(order)).to(device)
        """(C,) for each class as given, its place in row order."""
        self._groups = [
            _Group(len(list(classes)), length, _causal_mask(length, shared, device))
            for length, classes in groupby(lengths)
        ]
        self._sizes = [shared] + [group.classes * group.length for group in self._groups]

    def attend(
        self, q_PRW: torch.Tensor, k_PRW: torch.Tensor, v_PRW: torch.Tensor, heads: int
    ) -> torch.Tensor:
        """Every row attends to what precedes it in its text, (P, R, W)."""
        q_shared, *q_own = q_PRW.split(self._sizes, dim=1)
        k_shared, *k_own = k_PRW.split(self._sizes, dim=1)
        v_shared, *v_own = v_PRW.split(self._sizes, dim=1)
        k_PHKE, v_PHKE = _split_heads(k_shared, 1, heads), _split_heads(v_shared, 1, heads)
        attended = scaled_dot_product_attention(
            _split_heads(q_shared, 1, heads), k_PHKE, v_PHKE, is_causal=True
        )
        parts = [attended.transpose(1, 2).flatten(2)]
        for group, q, k, v in zip(self._groups, q_own, k_own, v_own, strict=True):
            parts.append(_attend_group(group, q, (k_PHKE, k), (v_PHKE, v), heads))
        return torch.cat(parts, dim=1)

    def attend_eos(
        self, q_PCW: torch.Tensor, k_PRW: torch.Tensor, v_PRW: torch.Tensor, heads: int
    ) -> torch.Tensor:
        """As `attend` for queries of EOS rows alone, (P, C, W) in row order."""
        q_own = q_PCW.split([group.classes for group in self._groups], dim=1)
        k_shared, *k_own = k_PRW.split(self._sizes, dim=1)
        v_shared, *v_own = v_PRW.split(self._sizes, dim=1)
        k_PHKE, v_PHKE = _split_heads(k_shared, 1, heads), _split_heads(v_shared, 1, heads)
        parts = [
            _attend_group(group, q, (k_PHKE, k), (v_PHKE, v), heads)
            for group, q, k, v in zip(self._groups, q_own, k_own, v_own, strict=True)
        ]
        return torch.cat(parts, dim=1)


def _causal_mask(length: int, shared: int, device: torch.device) -> torch.Tensor:
    mask = torch.full((length, length), float("-inf"), device=device).triu(1)
    return torch.cat([torch.zeros(length, shared, device=device), mask], dim=1)


def _attend_group(
    group: _Group,
    q_PRW: torch.Tensor,
    keys: tuple[torch.Tensor, torch.Tensor],
    values: tuple[torch.Tensor, torch.Tensor],
    heads: int,
) -> torch.Tensor:
    """Queries of one group's rows to (shared, own) keys and values, (P, G x Q, W)."""
    q = _split_heads(q_PRW, group.classes, heads)
    k = _join(keys, group, heads)
    v = _join(values, group, heads)
    mask = group.mask_LN[-q.shape[2] :]
    attended = scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return attended.transpose(1, 2).reshape(q_PRW.shape)


def _join(parts: tuple[torch.Tensor, torch.Tensor], group: _Group, heads: int) -> torch.Tensor:
    """Shared (P, H, K, E) in front of each class's own (P, G x L, W): (P x G, H, K + L, E)."""
    shared_PHKE, own_PRW = parts
    repeated = shared_PHKE.repeat_interleave(group.classes, dim=0)
    return torch.cat([repeated, _split_heads(own_PRW, group.classes, heads)], dim=2)


def _split_heads(x_PRW: torch.Tensor, classes: int, heads: int) -> torch.Tensor:
    """(P, G x Q, W) -> (P x G, H, Q, E)."""
    prompts, rows, width = x_PRW.shape
    x = x_PRW.reshape(prompts * classes, rows // classes, heads, width // heads)
    return x.transpose(1, 2)
