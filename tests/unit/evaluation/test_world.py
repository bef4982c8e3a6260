import numpy as np
import torch

from poolscore.encoder.encoder import Encoder
from poolscore.evaluation.arms import LABELS_ONLY
from poolscore.evaluation.world import World
from poolscore.prompts.train import TrainingSet, train_dual_prompts
from tests.unit.evaluation.small_set import small_set


def test_what_is_kept_between_trainings_changes_nothing(encoder: Encoder) -> None:
    """The second training of a seed starts from kept contexts and ends as a fresh one does."""
    data = small_set(encoder)
    world = World(data, encoder)
    config = LABELS_ONLY.model_copy(update={"min_steps": 20, "warm_start_steps": 5})
    images = TrainingSet(data.pool_ND[:12], data.pool_targets_N[:12], np.zeros(12, np.bool_))
    for seed in (0, 1, 0):
        learned = world.train(images, config, seed)
        fresh = train_dual_prompts(
            encoder.prompt_encoder(data.classes, config.context_length),
            encoder.scale,
            images,
            config,
            seed,
            anchor_CD=data.zero_shot_CD,
        ).features
        assert torch.equal(learned.positive_CD, fresh.positive_CD)
    specific = config.model_copy(update={"class_specific": True})
    other = world.train(images, specific, 0)
    assert not torch.equal(other.positive_CD, learned.positive_CD)


def test_predictions_are_of_the_whole_pool(world: World) -> None:
    seen = world.predict(world.zero_shot())
    assert len(seen.scores) == len(seen.evidence_N) == 120
    assert seen.probabilities_NC.argmax(axis=1).tolist() == seen.scores.predicted.tolist()
