"""MelImage: fixed size, agreement with librosa, and normalization."""

import librosa
import numpy as np
import pandas as pd
import pytest

from savee_mm import MFCCImage
from savee_mm.features.mel_image import MelImage


@pytest.fixture(scope="module")
def noises():
    rng = np.random.default_rng(0)
    return [rng.normal(scale=0.1, size=n) for n in (8000, 22050, 200000)]


def test_shape_does_not_depend_on_the_length(noises):
    X = MelImage(input_sr=22050).fit_transform(noises)
    assert X.shape == (3, 64, 290, 1)
    assert X.dtype == np.float32


def test_values_without_normalization_equal_those_of_librosa(noises):
    X = MelImage(input_sr=22050, normalize=None, n_mels=40, fmin=50, fmax=8000).fit_transform(noises)
    for image, y in zip(X[..., 0], noises, strict=True):
        mel = librosa.feature.melspectrogram(y=y.astype(np.float32), sr=22050, n_mels=40, fmin=50, fmax=8000)
        expected = librosa.power_to_db(mel)[:, :290]
        # In librosa the last frames of a truncated clip cover samples after the cut.
        n = min(expected.shape[1], 288)
        # 1e-3 dB: rounding of float32.
        np.testing.assert_allclose(image[:, :n], expected[:, :n], atol=1e-3)
        assert not image[:, expected.shape[1] :].any()


def test_tone_is_loudest_in_its_band(tone):
    image = MelImage(input_sr=22050, normalize=None).fit_transform([tone(f0=1000.0)])[0, :, :40, 0]
    edges = librosa.mel_frequencies(66, fmin=0, fmax=11025)
    band = int(np.median(image.argmax(axis=0)))
    assert edges[band] < 1000 < edges[band + 2]


def test_a_tenth_of_the_amplitude_lowers_levels_by_20_db(noises):
    quiet, loud = (
        MelImage(input_sr=22050, normalize=None).fit_transform([gain * noises[1]])[0, :, :40] for gain in (0.1, 1.0)
    )
    np.testing.assert_allclose(loud - quiet, 20, atol=1e-2)


def test_clip_normalization_uses_the_frames_of_the_clip_only(noises):
    image = MelImage(input_sr=22050).fit_transform(noises[:1])[0, :, :16, 0]
    np.testing.assert_allclose(image.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(image.std(axis=1), 1, atol=1e-4)


def test_training_normalization_uses_training_frames_only(noises):
    fitted = MelImage(input_sr=22050, normalize="training").fit(noises[:2])
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
        MelImage(input_sr=22050, normalize=normalize).fit_transform([np.eye(1, 22050)[0], np.eye(1, 3)[0]])
    ).all()


def test_filled_clip_is_zero(corpus):
    table = corpus.data.iloc[:2].copy()
    table.loc[table.index[0], "audio"] = None
    with pytest.warns(UserWarning, match="1 of 2 clips"):
        X = MelImage(input_sr=22050, on_error="fill").fit_transform(table)
    assert not X[0].any()
    assert X[1].any()


@pytest.mark.parametrize("extractor", [MelImage, MFCCImage])
def test_augmented_copy_is_read_with_its_recipe(corpus, extractor):
    from savee_mm.augmentation import AudioAugmenter

    table = corpus.data.iloc[:1]
    augmenter = AudioAugmenter(snr_db=(5, 5), semitones=None, stretch_rate=None, polarity=False, random_state=0)
    X = extractor(n_frames=40).fit_transform(augmenter.augment(table))
    assert not np.allclose(X[0], X[1], atol=0.1)
    np.testing.assert_array_equal(X[0], extractor(n_frames=40).fit_transform(table)[0])


def test_cache_distinguishes_bands(noises):
    wide, narrow = (MelImage(input_sr=22050, fmax=fmax, n_frames=20).fit_transform(noises[:1]) for fmax in (None, 4000))
    assert not np.allclose(wide, narrow)


def test_fmin_above_fmax_is_an_error(noises):
    with pytest.raises(ValueError, match="0 <= fmin < fmax"):
        MelImage(input_sr=22050, fmin=5000, fmax=1000).fit_transform(noises[:1])


def test_bad_parameter_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="'n_mels' parameter of MelImage"):
        MelImage(input_sr=22050, n_mels=0).fit(pd.DataFrame({"audio": ["a.wav"]}))
