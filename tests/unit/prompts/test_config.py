import pytest
from pydantic import ValidationError

from poolscore.errors import InvalidInputError
from poolscore.prompts.config import DualPromptConfig, parse_config


def test_it_survives_json() -> None:
    config = DualPromptConfig(gradient_routing="activeclip", adapter_rank=0)
    assert DualPromptConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"learning_rate": -1}, {"gradient_routing": "both"}, {"epoch": 5}]
)
def test_wrong_values_and_unknown_fields_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DualPromptConfig.model_validate(wrong)


def test_settings_of_a_deployment_are_json_of_what_differs() -> None:
    assert parse_config("") == DualPromptConfig()
    assert parse_config('{"epochs": 3}') == DualPromptConfig(epochs=3)


@pytest.mark.parametrize(
    ("text", "word"),
    [('{"epoch": 3}', "epoch"), ('{"epochs": 0}', "epochs"), ("epochs=3", "JSON"), ("[]", "text")],
)
def test_settings_that_cannot_be_used_are_said(text: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=word) as raised:
        parse_config(text)
    assert raised.value.reason == "INVALID_TRAINING"
