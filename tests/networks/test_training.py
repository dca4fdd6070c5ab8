"""Shuffled batches, and training with the graph of an earlier training."""

import gc
import weakref

import keras
import numpy as np
import pytest

from savee_mm.networks import Batches, training
from savee_mm.networks.training import reused_graph


def batches(seed=0):
    clips = np.arange(10)
    return Batches((clips, 10 * clips), clips, np.ones(10), batch_size=4, seed=seed)


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


def test_closed_batches_release_their_arrays():
    clips = np.arange(10.0)
    array, sequence = weakref.ref(clips), Batches((clips,), np.ones(10), np.ones(10), batch_size=4, seed=0)
    del clips
    assert array() is not None
    sequence.close()
    assert array() is None


def inputs_and_labels():
    rng = np.random.default_rng(0)
    return rng.random((12, 6), dtype=np.float32), np.eye(4, dtype=np.float32)[rng.integers(0, 4, 12)]


@pytest.fixture
def train(build, monkeypatch):
    """Train a network with dropout for two epochs: ``train(seed, key)``; no graph is kept from before."""
    monkeypatch.setattr(training, "_IDLE", type(training._IDLE)())

    def compiled():
        network = build("dense", seed=99, dropout=0.5)
        network.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
        return network

    def run(seed, key=0):
        network = build("dense", seed, dropout=0.5)
        with reused_graph(key, network, compiled) as trainer:
            trainer.fit(*inputs_and_labels(), epochs=2, shuffle=False, verbose=0)
        return network.get_weights()

    run.compiled = compiled
    return run


def test_reused_graph_trains_as_a_new_one(train):
    first, other, again, new = train(0), train(1), train(0), train(0, key="another graph")
    for a, b, c in zip(first, again, new, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_compiled_network_is_reused_for_one_training_at_a_time(train, build):
    network = build("dense", dropout=0.5)
    with reused_graph(0, network, train.compiled) as one, reused_graph(0, network, train.compiled) as other:
        assert one is not other
    with reused_graph(0, network, train.compiled) as again:
        assert again is one


def test_failed_training_changes_nothing_and_is_not_reused(train, build):
    network = build("dense", dropout=0.5)
    before = network.get_weights()
    trainers = []

    def interrupted():
        with reused_graph(0, network, train.compiled) as trainer:
            trainers.append(trainer)
            trainer.fit(*inputs_and_labels(), verbose=0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with reused_graph(0, network, train.compiled) as other:
        assert other is not trainers[0]


def test_least_recently_used_network_is_freed(train, monkeypatch):
    monkeypatch.setattr(training, "_N_IDLE", 1)
    train(0, key="old")
    (trainer, graphs) = training._IDLE["old"]
    graph = weakref.ref(graphs[0])
    del trainer, graphs
    train(0, key="new")
    assert list(training._IDLE) == ["new"]
    gc.collect()
    assert graph() is None or not graph().get_operations()
