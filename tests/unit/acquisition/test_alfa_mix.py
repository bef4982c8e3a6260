from dataclasses import replace

import numpy as np
import torch

from poolscore.acquisition.alfa_mix import AlfaMix, anchors, cap_for, needed_cap
from poolscore.acquisition.base import PoolView
from poolscore.acquisition.supplied import require
from tests.unit.acquisition.views import labeled_of, scores_of, softmax, synthetic, unit


def caps(view: PoolView) -> np.ndarray:
    given = require(view, AlfaMix())
    return needed_cap(given, anchors(given.labeled, given.text_CD))


def flips(view: PoolView, cap: float) -> np.ndarray:
    """Candidates at one cap as they are written: autograd, every anchor, an alpha a dimension."""
    assert view.features_ND is not None
    assert view.text_CD is not None
    assert view.labeled is not None
    z = torch.tensor(view.features_ND, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(view.text_CD, dtype=torch.float64)
    logits = 5.0 * z @ weight.T
    predicted = logits.argmax(dim=1)
    loss = torch.nn.functional.cross_entropy(logits, predicted, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, z)
    unit_gradient = gradient / gradient.norm(dim=1, keepdim=True)
    changed = torch.zeros(len(z), dtype=torch.bool)
    for anchor in torch.tensor(anchors(view.labeled, view.text_CD), dtype=torch.float64):
        away = anchor - z.detach()
        eps = cap / np.sqrt(z.shape[1])
        alpha = eps * away.norm(dim=1, keepdim=True) * unit_gradient / away
        mixed = alpha * anchor + (1.0 - alpha) * z.detach()
        changed |= (mixed @ weight.T).argmax(dim=1) != predicted
    return changed.numpy()


def test_the_closed_form_finds_the_candidates_of_the_formula() -> None:
    for labels in (0, 3, 40):
        view = synthetic(300, 5, labels=labels, seed=labels)
        assert view.features_ND is not None
        view = replace(view, features_ND=view.features_ND.astype(np.float32))
        assert view.text_CD is not None
        p = softmax(5.0 * np.asarray(view.features_ND) @ view.text_CD.T)
        view = replace(view, probabilities_NC=p)
        found = [int(flips(view, cap).sum()) for cap in (0.03125, 0.25, 0.5, 1.0)]
        assert 0 < found[0] < found[-1]
        for cap in (0.03125, 0.25, 0.5, 1.0):
            assert ((caps(view) < cap) == flips(view, cap)).all()


def test_anchors_are_class_means_and_the_mean_for_classes_without_labels() -> None:
    known = labeled_of(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.5]]), [0, 0, 2])
    text = np.full((3, 2), 7.0, np.float32)
    expected = [[0.5, 0.5], [1 / 3, 0.5], [0.0, 0.5]]
    np.testing.assert_allclose(anchors(known, text), expected, atol=1e-6)
    assert anchors(labeled_of(np.zeros((0, 2)), []), text) is text


def test_the_cap_by_hand() -> None:
    # Classifier rows e1 and e2; z = (.8, .6): gap .2, gradient along e2 - e1, which closes the gap
    # by sqrt(2) a unit; anchor (-1, 0) at distance sqrt(1.8^2 + .6^2); D = 2.
    text = np.eye(2, dtype=np.float32)
    z = np.array([[0.8, 0.6]], np.float32)
    p = softmax(5.0 * z @ text.T)
    view = replace(
        synthetic(1, 2),
        features_ND=z,
        text_CD=text,
        probabilities_NC=p,
        scores=scores_of(p),
        labeled=labeled_of(np.array([[-1.0, 0.0]]), [0]),
    )
    expected = 0.2 / np.sqrt(2.0) / np.sqrt(3.6) * np.sqrt(2.0)
    np.testing.assert_allclose(caps(view), [expected], rtol=1e-5)


def test_the_cap_grows_until_there_is_a_choice() -> None:
    needed = np.array([0.01, 0.02, 0.04, 0.3, np.inf])
    assert cap_for(needed, 1, 0.03125) == 0.03125
    assert cap_for(needed, 2, 0.03125) == 2 * 0.03125
    assert cap_for(needed, 3, 0.03125) == 10 * 0.03125
    assert cap_for(needed, 9, 0.03125) == 1.0


def test_candidates_come_first_and_the_rest_is_drawn() -> None:
    view = synthetic(60, 4)
    few = np.flatnonzero(caps(view) < 1.0)
    assert 20 < len(few) < 58
    choice = AlfaMix().query(view, 58, np.random.default_rng(0))
    start = [reason.startswith("no longer") for reason in choice.reasons]
    assert start == sorted(start, reverse=True)
    assert set(choice.rows[: sum(start)].tolist()) == set(few.tolist())
    assert (np.diff(choice.utilities[: sum(start)]) <= 0).all()


def test_an_adapter_moves_the_classifier() -> None:
    view = synthetic(40, 4)
    assert view.text_CD is not None
    moved = unit(view.text_CD[::-1] + 0.3)
    assert not np.allclose(caps(view), caps(replace(view, classifier_CD=moved)))


def test_an_image_that_is_its_only_anchor_never_flips() -> None:
    view = synthetic(1, 3)
    assert view.features_ND is not None
    own = labeled_of(np.asarray(view.features_ND, np.float32), [0])
    assert caps(replace(view, labeled=own)).tolist() == [np.inf]
