"""MFCCImage: fixed size, agreement with librosa, and normalization without padding."""

import librosa
import numpy as np
import pytest

from savee_mm import MFCCImage


@pytest.fixture(scope="module")
def noises():
    rng = np.random.default_rng(0)
    return [rng.normal(scale=0.1, size=n) for n in (8000, 22050, 200000)]


def test_shape_does_not_depend_on_the_length(noises):
    X = MFCCImage(input_sr=22050).fit_transform(noises)
    assert X.shape == (3, 40, 290, 1)
    assert X.dtype == np.float32


def test_values_without_normalization_equal_those_of_librosa(noises):
    X = MFCCImage(input_sr=22050, normalize=None).fit_transform(noises)
    for image, y in zip(X[..., 0], noises, strict=True):
        expected = librosa.feature.mfcc(y=y.astype(np.float32), sr=22050, n_mfcc=40)[:, :290]
        # 1e-4 of the range: rounding of float32.
        atol = 1e-4 * np.ptp(expected)
        # In librosa the last frames of a truncated clip cover samples after the cut.
        n = min(expected.shape[1], 288)
        np.testing.assert_allclose(image[:, :n], expected[:, :n], atol=atol)
        assert not image[:, expected.shape[1] :].any()


def test_short_image_is_the_beginning_of_a_long_one(noises):
    short, long = (MFCCImage(input_sr=22050, n_frames=n, normalize=None).fit_transform(noises[2:]) for n in (100, 390))
    # The floor of 80 dB below the loudest frame depends on the length, and noise does not reach it.
    np.testing.assert_allclose(short, long[:, :, :100], atol=1e-3)


def test_clip_normalization_removes_the_gain(noises):
    quiet, loud = (MFCCImage(input_sr=22050).fit_transform([gain * noises[1]]) for gain in (0.01, 1.0))
    np.testing.assert_allclose(quiet, loud, atol=1e-3)


def test_clip_normalization_uses_the_frames_of_the_clip_only(noises):
    image = MFCCImage(input_sr=22050).fit_transform(noises[:1])[0, :, :16, 0]
    np.testing.assert_allclose(image.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(image.std(axis=1), 1, atol=1e-4)


def test_training_normalization_uses_training_frames_only(noises):
    fitted = MFCCImage(input_sr=22050, normalize="training").fit(noises[:2])
    X = fitted.transform(noises[:2])
    frames = np.concatenate([X[0, :, :16, 0], X[1, :, :44, 0]], axis=1)
    np.testing.assert_allclose(frames.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(frames.std(axis=1), 1, atol=1e-4)
    before = fitted.mean_.copy()
    fitted.transform(noises[2:])
    np.testing.assert_array_equal(fitted.mean_, before)


@pytest.mark.parametrize("normalize", ["clip", "training", None])
def test_degenerate_sounds_are_finite(normalize):
    assert np.isfinite(
        MFCCImage(input_sr=22050, normalize=normalize).fit_transform([np.eye(1, 22050)[0], np.eye(1, 3)[0]])
    ).all()


def test_parameters_determine_the_shape(noises):
    assert MFCCImage(input_sr=22050, n_mfcc=13, n_frames=20, n_fft=512, hop_length=256).fit_transform(noises).shape == (
        3,
        13,
        20,
        1,
    )
