"""Methods that need no answers, judged as if they stood at every budget.

Shapes: M test images, C classes.
"""

import time
from dataclasses import asdict

import numpy as np
import torch

from poolscore.acquisition.base import Float32
from poolscore.evaluation.arms import LabelFreeArm
from poolscore.evaluation.measure import judge
from poolscore.evaluation.records import Cell, CellKey, Round
from poolscore.evaluation.simulate import plan_rounds
from poolscore.evaluation.world import World
from poolscore.prompts.bafta import fit_bafta
from poolscore.prompts.coft import CoftConfig, fit_coft
from poolscore.scoring.probabilities import class_probabilities


def run_label_free(world: World, arm: LabelFreeArm, key: CellKey) -> Cell:
    """Fit on the unlabeled pool once; every round has the same numbers and no answers."""
    data, started = world.data, time.process_time()
    p_MC = _probabilities(world, arm, key.seed)
    seconds = time.process_time() - started
    judged = asdict(judge(data, p_MC.argmax(axis=1), p_MC.max(axis=1)))
    rounds, _ = plan_rounds(key.protocol, len(data.ids_N), len(data.classes))
    return Cell(
        key=key,
        pool=len(data.ids_N),
        classes=len(data.classes),
        rounds=tuple(
            Round(number=number, answers=0, seconds=seconds if number == 1 else 0.0, **judged)
            for number in range(rounds + 1)
        ),
    )


def _probabilities(world: World, arm: LabelFreeArm, seed: int) -> Float32:
    """Class probabilities of the test images, (M, C)."""
    data, zero_shot_CD = world.data, world.data.zero_shot_CD
    if arm.name == "zero-shot":
        return class_probabilities(data.test_MD, world.zero_shot())
    test_MD = torch.from_numpy(data.test_MD.astype(np.float32))
    order = np.random.default_rng([seed, 0]).permutation(len(data.ids_N))
    pool_ND = torch.from_numpy(data.pool_ND[order].astype(np.float32))
    if arm.name == "bafta":
        return fit_bafta(pool_ND, zero_shot_CD, world.scale).predict(test_MD).numpy()
    config = CoftConfig()
    text = world.text(config.prompts.context_length)
    fitted = fit_coft(text, world.scale, pool_ND, zero_shot_CD, config, seed)
    return fitted.predict(test_MD).detach().numpy()
