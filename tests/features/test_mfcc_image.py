"""MFCCImage: fixed size, librosa's numbers, and a normalisation that knows where a clip ends."""

import librosa
import numpy as np
import pytest

from savee_mm import MFCCImage


@pytest.fixture(scope="module")
def noises():
    rng = np.random.default_rng(0)
    return [rng.normal(scale=0.1, size=n) for n in (8000, 22050, 200000)]


def test_shape_is_fixed_whatever_the_length(noises):
    X = MFCCImage().fit_transform(noises)
    assert X.shape == (3, 40, 290, 1)
    assert X.dtype == np.float32


def test_raw_values_are_librosas(noises):
    X = MFCCImage(normalize=None).fit_transform(noises)
    for image, y in zip(X[..., 0], noises, strict=True):
        expected = librosa.feature.mfcc(y=y.astype(np.float32), sr=22050, n_mfcc=40)[:, :290]
        # 1e-4 of the range: float32 arithmetic in another order.
        atol = 1e-4 * np.ptp(expected)
        # A cut clip ends in a frame that librosa would let see what follows.
        n = min(expected.shape[1], 288)
        np.testing.assert_allclose(image[:, :n], expected[:, :n], atol=atol)
        assert not image[:, expected.shape[1] :].any()


def test_cut_is_the_beginning_of_the_whole(noises):
    short, long = (MFCCImage(n_frames=n, normalize=None).fit_transform(noises[2:]) for n in (100, 390))
    # The decibel floor lies 80 dB under the loudest frame of what was kept: noise never reaches it.
    np.testing.assert_allclose(short, long[:, :, :100], atol=1e-3)


def test_clip_normalisation_takes_out_the_gain(noises):
    quiet, loud = (MFCCImage().fit_transform([gain * noises[1]]) for gain in (0.01, 1.0))
    np.testing.assert_allclose(quiet, loud, atol=1e-3)


def test_clip_normalisation_is_over_the_clips_own_frames(noises):
    image = MFCCImage().fit_transform(noises[:1])[0, :, :16, 0]
    np.testing.assert_allclose(image.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(image.std(axis=1), 1, atol=1e-4)


def test_training_normalisation_uses_training_frames_only(noises):
    fitted = MFCCImage(normalize="training").fit(noises[:2])
    X = fitted.transform(noises[:2])
    frames = np.concatenate([X[0, :, :16, 0], X[1, :, :44, 0]], axis=1)
    np.testing.assert_allclose(frames.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(frames.std(axis=1), 1, atol=1e-4)
    before = fitted.mean_.copy()
    fitted.transform(noises[2:])
    np.testing.assert_array_equal(fitted.mean_, before)


@pytest.mark.parametrize("normalize", ["clip", "training", None])
def test_silence_is_finite(normalize):
    assert np.isfinite(MFCCImage(normalize=normalize).fit_transform([np.zeros(22050), np.zeros(3)])).all()


def test_parameters_reach_the_image(noises):
    assert MFCCImage(n_mfcc=13, n_frames=20, n_fft=512, hop_length=256).fit_transform(noises).shape == (3, 13, 20, 1)
