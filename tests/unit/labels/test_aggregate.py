import numpy as np
import pytest

from poolscore.labels.aggregate import AggregationConfig, Votes, aggregate, credible_sets

ONE_STEP = AggregationConfig(iterations=1)


def votes(*answers: tuple[int, int, set[int]], classes: int = 3) -> Votes:
    items, annotators, allowed = zip(*answers, strict=True)
    mask = [[y in each for y in range(classes)] for each in allowed]
    return Votes(np.array(items), np.array(annotators), np.array(mask))


def test_one_step_by_hand() -> None:
    # Shares of image 0: 2/3, 1/3, 0. Right answers: 2/3, 2/3, 1/3; with the prior's 4 of 5:
    # (4 + 2/3) / 6 = 7/9 for the first two, (4 + 1/3) / 6 = 13/18 for the third.
    found = aggregate(votes((0, 0, {0}), (0, 1, {0}), (0, 2, {1})), 1, 3, ONE_STEP)
    right, wrong = 7 / 9, (2 / 9) / 2
    third, third_wrong = 13 / 18, (5 / 18) / 2
    weights = np.array([right**2 * third_wrong, wrong**2 * third, wrong**2 * third_wrong])
    np.testing.assert_allclose(found.posterior_NC[0], weights / weights.sum(), rtol=1e-12)
    p = found.posterior_NC[0]
    np.testing.assert_allclose(found.accuracy_A, [(4 + p[0]) / 6, (4 + p[0]) / 6, (4 + p[1]) / 6])


def test_a_single_vote_stays_and_says_nothing_of_its_annotator() -> None:
    found = aggregate(votes((0, 0, {2}), (1, 1, {0, 1})), 3, 2)
    assert found.posterior_NC[0].tolist() == [0, 0, 1]
    assert found.posterior_NC[1].tolist() == [0.5, 0.5, 0]
    np.testing.assert_allclose(found.posterior_NC[2], [1 / 3] * 3)
    np.testing.assert_allclose(found.accuracy_A, [0.8, 0.8])


def test_a_candidate_set_by_hand() -> None:
    # Shares (3/4, 1/4, 0): the set is right for sure, the label with 3/4.
    found = aggregate(votes((0, 0, {0, 1}), (0, 1, {0})), 1, 2, ONE_STEP)
    set_accuracy, accuracy = 5 / 6, 4.75 / 6
    weights = np.array(
        [
            set_accuracy * accuracy,
            set_accuracy * (1 - accuracy) / 2,
            (1 - set_accuracy) * 2 / 1 * (1 - accuracy) / 2,
        ]
    )
    np.testing.assert_allclose(found.posterior_NC[0], weights / weights.sum(), rtol=1e-12)


def test_em_finds_the_good_annotator_and_beats_the_majority() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 400)
    accuracy = np.array([0.95, 0.5, 0.5, 0.5])
    right = rng.random((400, 4)) < accuracy
    label = np.where(right, true[:, None], (true[:, None] + rng.integers(1, 4, (400, 4))) % 4)
    item, annotator = np.divmod(np.arange(1600), 4)
    all_votes = Votes(item, annotator, np.eye(4, dtype=np.bool_)[label.ravel()])
    found = aggregate(all_votes, 400, 4)
    np.testing.assert_allclose(found.accuracy_A, accuracy, atol=0.06)
    majority = np.eye(4)[label].sum(axis=1).argmax(axis=1)
    better = np.mean(found.posterior_NC.argmax(axis=1) == true) - np.mean(majority == true)
    assert better > 0.05
    order = rng.permutation(1600)
    shuffled = Votes(item[order], annotator[order], all_votes.allowed_VC[order])
    np.testing.assert_allclose(aggregate(shuffled, 400, 4).posterior_NC, found.posterior_NC)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.95, 0.05, 0.0], [True, False, False]),
        ([0.4, 0.1, 0.5], [True, False, True]),
        ([0.0, 1.0, 0.0], [False, True, False]),
        ([1 / 3, 1 / 3, 1 / 3], [True, True, True]),
        ([0.05, 0.85, 0.05, 0.05], [True, True, True, True]),
        ([1 / 12] * 12, [True] * 12),
    ],
)
def test_credible_sets(row: list[float], expected: list[bool]) -> None:
    assert credible_sets(np.array([row])).tolist() == [expected]
