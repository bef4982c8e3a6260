import pytest
from pydantic import ValidationError

from poolscore.prompts.config import DualPromptConfig


def test_it_survives_json() -> None:
    config = DualPromptConfig(gradient_routing="activeclip", adapter_rank=0)
    assert DualPromptConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"learning_rate": -1}, {"gradient_routing": "both"}, {"epoch": 5}]
)
def test_wrong_values_and_unknown_fields_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DualPromptConfig.model_validate(wrong)
