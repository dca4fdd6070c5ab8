"""Shuffled batches."""

import numpy as np

from savee_mm.networks import ShuffledBatches


def batches(seed=0):
    clips = np.arange(10)
    return ShuffledBatches((clips, 10 * clips), clips, np.ones(10), batch_size=4, seed=seed)


def epoch(sequence):
    rows = [sequence[i] for i in range(len(sequence))]
    return np.concatenate([targets for _, targets, _ in rows])


def test_last_batch_has_the_rest():
    sequence = batches()
    assert [len(sequence[i][1]) for i in range(len(sequence))] == [4, 4, 2]


def test_every_epoch_has_every_clip_once_in_another_order():
    sequence = batches()
    first = epoch(sequence)
    sequence.on_epoch_end()
    second = epoch(sequence)
    assert sorted(first) == sorted(second) == list(range(10))
    assert not np.array_equal(first, second)


def test_seed_determines_the_order():
    np.testing.assert_array_equal(epoch(batches(1)), epoch(batches(1)))
    assert not np.array_equal(epoch(batches(1)), epoch(batches(2)))


def test_inputs_and_targets_stay_together():
    sequence = batches()
    for i in range(len(sequence)):
        (first, second), targets, _ = sequence[i]
        np.testing.assert_array_equal(first, targets)
        np.testing.assert_array_equal(second, 10 * targets)
