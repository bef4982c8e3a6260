import torch

from poolscore.prompts.losses import classification_loss, draw_complement, dual_loss
from poolscore.prompts.targets import PlainTargets


def test_plain_targets_are_the_losses_of_their_rows() -> None:
    target = torch.tensor([0, 2, 1])
    rows = torch.tensor([2, 0])
    logits = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    targets = PlainTargets(target, torch.Generator().manual_seed(4))
    expected = classification_loss(logits, target[rows])
    torch.testing.assert_close(targets.classification(logits, rows), expected)
    complement = draw_complement(target[rows], 3, torch.Generator().manual_seed(4))
    expected = dual_loss(logits, target[rows], complement)
    torch.testing.assert_close(targets.dual(logits, logits, rows), expected)
    assert targets.shares(logits, rows).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert not targets.learns_from_steps
