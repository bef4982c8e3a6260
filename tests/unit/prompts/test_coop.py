import numpy as np

from poolscore.prompts.coop import coop_config
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from poolscore.scoring.kernel import score
from tests.unit.prompts.toy_text import ToyText


def test_one_context_a_class_and_nothing_else_is_learned(
    text: ToyText, images: TrainingSet
) -> None:
    config = coop_config().model_copy(update={"context_length": 4, "learning_rate": 0.02})
    trained = train_dual_prompts(text, 15.0, images, config, seed=0)
    assert trained.positive_context_MW is not None
    assert trained.positive_context_MW.shape == (5, 4, 8)
    assert trained.negative_context_MW is None
    assert trained.features.negative_CD is None
    assert trained.features.adapter is None
    # Forty labels in batches of 32.
    assert trained.metrics["steps"] == 400
    scores = score(images.features_ND.astype(np.float16), trained.features)
    assert np.mean(scores.predicted == images.targets_N) > 0.7
    np.testing.assert_array_equal(scores.p_clean, scores.probability)


def test_a_shared_context(text: ToyText, images: TrainingSet) -> None:
    config = coop_config(class_specific=False)
    config = config.model_copy(update={"context_length": 4, "epochs": 2})
    trained = train_dual_prompts(text, 15.0, images, config, seed=0)
    assert trained.positive_context_MW is not None
    assert trained.positive_context_MW.shape == (4, 8)
