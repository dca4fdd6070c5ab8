"""Augmentation of frames: each change has its extent, is equal for all frames of a clip, and is for training only."""

import keras
import numpy as np
import pytest
from keras import ops

from savee_mm.networks import random_frames
from savee_mm.networks.augment import RandomFrames

NOTHING = {"flip": False, "shift": 0, "rotation": 0, "zoom": 0, "brightness": 0, "occlusion": 0}
EVERYTHING = {"flip": True, "shift": 0.1, "rotation": 10, "zoom": 0.1, "brightness": 0.3, "occlusion": 0.3}


def clips(n=40, side=12):
    """Clips of noise; all frames of a clip are equal."""
    still = np.random.default_rng(0).random((n, 1, side, side, 2), dtype=np.float32)
    return np.repeat(still, 3, axis=1)


def changed(frames, seed=0, **amounts):
    return ops.convert_to_numpy(RandomFrames(**{**NOTHING, **amounts}, seed=seed)(frames, training=True))


@pytest.mark.parametrize("amount", EVERYTHING.items(), ids=list(EVERYTHING))
def test_change_is_for_training_only_and_equal_for_all_frames_of_a_clip(amount):
    X, amount = clips(), dict([amount])
    X_changed = changed(X, **amount)
    assert X_changed.shape == X.shape
    assert np.ptp(X_changed - X) > 0.1
    np.testing.assert_allclose(X_changed, np.repeat(X_changed[:, :1], 3, axis=1), atol=1e-6)
    layer = RandomFrames(**{**NOTHING, **amount}, seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X, training=False)), X)


def test_zero_amounts_change_nothing():
    np.testing.assert_array_equal(changed(clips()), clips())


def test_seed_determines_the_changes():
    first, again, other = (changed(clips(), seed, **EVERYTHING) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_step_draws_other_changes():
    layer = RandomFrames(**EVERYTHING, seed=0)
    first, second = (ops.convert_to_numpy(layer(clips(), training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_flip_mirrors_about_half_of_the_clips_and_keeps_the_others():
    X = clips()
    X_changed = changed(X, flip=True)
    mirrored = np.isclose(X_changed, X[..., ::-1, :], atol=1e-5).all(axis=(1, 2, 3, 4))
    left = np.isclose(X_changed, X, atol=1e-5).all(axis=(1, 2, 3, 4))
    assert (mirrored ^ left).all()
    assert 10 < mirrored.sum() < 30


def centres(X):
    """Row and column of the centroid of the first frame of each clip."""
    light = X[:, 0].sum(axis=-1)
    places = np.arange(X.shape[2])
    return np.stack([light.sum(axis=2) @ places, light.sum(axis=1) @ places], axis=1) / light.sum(axis=(1, 2))[:, None]


def spot(row, column, n=40, side=21):
    X = np.zeros((n, 2, side, side, 1), np.float32)
    X[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1
    return X


def test_shift_is_a_fraction_of_the_side():
    moved = np.abs(centres(changed(spot(10, 10), shift=0.2)) - 10)
    assert (moved.max(axis=0) <= 0.2 * 21 + 1e-3).all()
    assert (moved.max(axis=0) > 0.1 * 21).all()


def test_rotation_and_zoom_keep_the_centre():
    np.testing.assert_allclose(centres(changed(spot(10, 10), rotation=30, zoom=0.2)), 10, atol=0.05)


def test_rotation_is_by_up_to_its_angle():
    row, column = (centres(changed(spot(10, 16), rotation=30)) - 10).T
    angles = np.degrees(np.arctan2(row, column))
    assert 15 < angles.max() < 31
    assert -31 < angles.min() < -15
    np.testing.assert_allclose(np.hypot(row, column), 6, atol=0.2)


def test_zoom_is_by_up_to_its_factor():
    scales = (centres(changed(spot(10, 16), zoom=0.2))[:, 1] - 10) / 6
    assert 0.8 < scales.min() < 0.95
    assert 1.05 < scales.max() < 1.3


def test_brightness_adds_a_plane_and_scales_the_contrast():
    X = np.ones((5, 1, 9, 9, 1), np.float32) * np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    X_changed = changed(X, brightness=0.3)[:, 0, :, :, 0]
    for bent in (np.diff(X_changed, 2, axis=1), np.diff(X_changed, 2, axis=2)):
        np.testing.assert_allclose(bent, 0, atol=1e-5)
    assert np.ptp(X_changed.mean(axis=(1, 2))) > 0.02
    assert np.ptp(X_changed[:, 0, 0] - X_changed[:, -1, 0]) > 0.02


def test_occlusion_hides_a_square_in_about_half_of_the_clips():
    X = clips(side=20)
    hidden = (changed(X, occlusion=0.5) != X).all(axis=-1)[:, 0]
    touched = hidden.any(axis=(1, 2))
    assert 10 < touched.sum() < 30
    for mask in hidden[touched]:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        np.testing.assert_array_equal(mask, np.outer(rows, columns))
        assert 1 <= rows.sum() <= 10
        assert 1 <= columns.sum() <= 10
    assert hidden.sum(axis=(1, 2)).max() > 40


def test_channels_of_augmented_frames_are_their_mean():
    X = clips()
    frames = keras.Input(X.shape[1:])
    model = keras.Model(frames, random_frames(frames, **EVERYTHING, seed=0))
    gray = np.repeat(X.mean(axis=-1, keepdims=True), 2, axis=-1)
    np.testing.assert_allclose(ops.convert_to_numpy(model(X)), gray, atol=1e-6)
    X_changed = ops.convert_to_numpy(model(X, training=True))
    np.testing.assert_array_equal(X_changed[..., 0], X_changed[..., 1])
    assert np.abs(X_changed - gray).max() > 0.1
