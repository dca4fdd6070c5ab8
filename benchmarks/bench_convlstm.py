"""ConvLSTMClassifier compared with a plain ConvLSTM: time of an epoch and of the prediction of one clip.

An epoch has 32 clips. The peer, a ConvLSTM of 64 filters on the full frames, needs about a second for four clips.
Frames are random, because the time does not depend on their content.
"""

import keras
import numpy as np
import pytest

from savee_mm import ConvLSTMClassifier
from savee_mm.networks import Batches, Regularization

N_CLIPS, N_CLASSES, BATCH = 32, 7, 16
FRAMES = (6, 64, 64, 3)


@pytest.fixture(scope="module")
def clips():
    """Return random frames and a class for each clip."""
    X = np.random.default_rng(0).random((N_CLIPS, *FRAMES), dtype=np.float32)
    return X, np.arange(N_CLIPS) % N_CLASSES


@pytest.fixture(scope="module")
def fitted(clips):
    return ConvLSTMClassifier(epochs=1, batch_size=BATCH, random_state=0).fit(*clips)


def one_epoch(trainer, batches):
    return lambda: trainer.fit(batches, epochs=1, shuffle=False, verbose=0)


def full_frames():
    """Return the peer of an epoch, compiled like the network of the classifier."""
    network = keras.Sequential(
        [
            keras.Input(FRAMES),
            keras.layers.ConvLSTM2D(64, 3, padding="same"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(N_CLASSES, activation="softmax"),
        ]
    )
    network.compile(optimizer="adam", loss="categorical_crossentropy", jit_compile=False)
    return network


@pytest.mark.benchmark(group=f"ConvLSTM, an epoch of {N_CLIPS} clips")
def test_epoch(race, clips, fitted):
    """One epoch of ``fit``, including augmentation, without the construction of the graph."""
    X, y = clips
    labels, weights = np.eye(N_CLASSES, dtype=np.float32)[y], np.ones(N_CLIPS, np.float32)
    batches = Batches((X,), labels, weights, batch_size=BATCH, seed=0)
    trainer = fitted._compiled(len(batches), Regularization())
    peer = "ConvLSTM2D(64, 3) on full frames"
    race(
        one_epoch(trainer, batches),
        {peer: one_epoch(full_frames(), batches)},
        goals={peer: 1 / 15},
    )


@pytest.mark.benchmark(group="ConvLSTM, prediction of one clip")
def test_one_clip(race, clips, fitted):
    """The classifier runs its network on the clip and its mirror image, the peer on the clip only."""
    one, peer = clips[0][:1], "model.predict of the same network"
    race(
        lambda: fitted.predict_proba(one),
        {peer: lambda: fitted.model_.predict(one, verbose=0)},
        goals={peer: 0.6},
    )
