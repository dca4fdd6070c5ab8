"""A FaceTrack and its form in the cache."""

import numpy as np
import pytest

from savee_mm.features.faces._track import FaceTrack, packed_length

N_FRAMES, SIZE = 3, (5, 4)


@pytest.fixture
def track():
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (N_FRAMES, *SIZE, 3)).astype(np.float32) / np.float32(255)
    boxes, landmarks = rng.random((N_FRAMES, 4), np.float32), rng.random((N_FRAMES, 5, 2), np.float32)
    confidence = np.array([0.5, np.nan, 0.7], np.float32)
    return FaceTrack(crops, 3600 + rng.random(N_FRAMES), boxes, confidence, landmarks, ~np.isnan(confidence))


def test_packed_track_has_the_same_values(track):
    packed = track.pack()
    assert packed.dtype == np.uint8
    assert packed.shape == (packed_length(N_FRAMES, SIZE),)
    for copy in (FaceTrack.unpack(packed, N_FRAMES, SIZE), FaceTrack.unpack(np.stack([packed] * 2), N_FRAMES, SIZE)[1]):
        np.testing.assert_allclose(copy.times, track.times, rtol=0, atol=1e-8)
        for name in ("crops", "boxes", "confidence", "landmarks", "found"):
            np.testing.assert_array_equal(getattr(copy, name), getattr(track, name))


def test_grey_crops_are_the_luma(track):
    crops = FaceTrack.unpack(track.pack(), N_FRAMES, SIZE, gray=True).crops
    assert crops.dtype == np.float32
    np.testing.assert_allclose(crops[..., 0], track.crops @ [0.299, 0.587, 0.114], atol=1e-6)


def test_clip_that_failed_is_black_without_positions():
    track = FaceTrack.unpack(FaceTrack.missing(N_FRAMES, SIZE).pack(), N_FRAMES, SIZE)
    assert not track.crops.any()
    assert not track.found.any()
    for values in (track.times, track.boxes, track.confidence, track.landmarks):
        assert np.isnan(values).all()
