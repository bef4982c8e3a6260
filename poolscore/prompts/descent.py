"""Adam on random batches, for the small models that are fitted to cached features."""

from collections.abc import Callable, Sequence
from itertools import islice

import torch

from poolscore.prompts.batches import shuffled
from poolscore.prompts.optimizers import cosine_schedule


def descend(
    parameters: Sequence[torch.Tensor],
    loss: Callable[[torch.Tensor], torch.Tensor],
    count: int,
    batch: int,
    steps: int,
    learning_rate: float,
    generator: torch.Generator,
) -> None:
    """Minimise `loss(rows)` over batches of rows 0 to `count` - 1, the rate falling by a cosine."""
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = cosine_schedule(optimizer, steps)
    for rows in islice(shuffled(torch.arange(count), batch, generator), steps):
        value = loss(rows)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
