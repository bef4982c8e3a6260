import pytest
import torch

from poolscore.encoder.class_tokens import Tokenizer, tokenize_classes
from poolscore.errors import InvalidInputError

CLASSES = ["cat", "great_white shark", "apple pie"]
EOS = 49407


def test_ids_are_those_of_the_prompt_with_placeholders(tokenizer: Tokenizer) -> None:
    tokens = tokenize_classes(tokenizer, CLASSES, 3)
    expected = tokenizer(["x x x cat.", "x x x great white shark.", "x x x apple pie."])
    ids = tokens.ids(3)
    assert torch.equal(ids[:, :1], expected[:, :1])
    assert torch.equal(ids[:, 4:], expected[:, 4:])
    assert torch.equal(ids.argmax(dim=1), expected.argmax(dim=1))


def test_own_tokens_are_name_full_stop_and_end(tokenizer: Tokenizer) -> None:
    tokens = tokenize_classes(tokenizer, CLASSES, 16)
    assert [len(own) for own in tokens.own] == [3, 5, 4]
    assert all(own[-1] == EOS for own in tokens.own)
    assert len({own[-2] for own in tokens.own}) == 1


def test_a_tokenizer_without_a_start_token_is_noticed() -> None:
    def bare(texts: list[str]) -> torch.Tensor:
        rows = [[*map(ord, text), 1] for text in texts]
        return torch.tensor([row + [0] * (12 - len(row)) for row in rows])

    tokens = tokenize_classes(bare, ["ab"], 2)
    assert tokens.start == []
    assert tokens.ids(2).tolist() == [[97, 97, 97, 98, 46, 1, 0, 0, 0, 0, 0, 0]]


def test_a_long_name_keeps_its_beginning_and_the_end(tokenizer: Tokenizer) -> None:
    tokens = tokenize_classes(tokenizer, ["cat " * 100], 16)
    assert len(tokens.own[0]) == 77 - 1 - 16
    assert tokens.own[0][-1] == EOS
    assert tokens.ids(16).shape == (1, 77)


@pytest.mark.parametrize("num_contexts", [0, 74, 200])
def test_contexts_that_do_not_fit_are_refused(tokenizer: Tokenizer, num_contexts: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 73"):
        tokenize_classes(tokenizer, CLASSES, num_contexts)


def test_no_classes_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInputError, match="class"):
        tokenize_classes(tokenizer, [], 4)
