"""SpectralFeatures and AudioFeatures: agreement with the kernels, and names of columns."""

import numpy as np
import pytest
import soundfile
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from savee_mm import AudioFeatures, PCACorrSelector, ProsodyFeatures, SpectralFeatures
from savee_mm.media import read_audio
from savee_mm.signal import DESCRIPTORS, low_level_descriptors


@pytest.fixture(scope="module")
def noise():
    y = np.random.default_rng(0).normal(scale=0.1, size=30000).astype(np.float32)
    return y - y.mean(dtype=float).astype(np.float32)


@pytest.mark.parametrize("feature", DESCRIPTORS)
def test_columns_of_each_descriptor_equal_the_kernel(feature, noise):
    extractor = SpectralFeatures(
        features=[feature], statistics=["mean"], n_frames=5, n_fft=256, hop_length=128, input_sr=22050
    )
    X = extractor.set_output(transform="pandas").fit_transform([noise])
    descriptor = np.atleast_2d(
        low_level_descriptors(noise, 22050, features=[feature], n_fft=256, hop_length=128, n_mfcc=13)[feature]
    )
    assert X.shape == (1, 6 * len(descriptor))
    assert np.isfinite(X).all(axis=None)
    row = feature if len(descriptor) == 1 else f"{feature}_0"
    assert X[f"{row}_mean"].iloc[0] == pytest.approx(descriptor[0].mean(dtype=float), rel=1e-6)
    assert X[f"{row}__t0"].iloc[0] == pytest.approx(descriptor[0, 0])
    assert X[f"{row}__t4"].iloc[0] == pytest.approx(descriptor[0, -1])


def test_single_descriptor_can_be_reshaped_to_images(noise):
    extractor = SpectralFeatures(features=["mel_spectrogram"], statistics=(), n_frames=30, n_mels=40, input_sr=22050)
    image = extractor.fit_transform([noise, noise[::-1]]).reshape(2, 40, 30)
    expected = low_level_descriptors(noise, 22050, features=["mel_spectrogram"], n_mels=40)["mel_spectrogram"]
    np.testing.assert_allclose(image[0, :, [0, -1]], expected[:, [0, -1]].T, rtol=1e-6)


def test_every_column_has_a_unit(noise):
    extractor = AudioFeatures(n_frames=3, input_sr=22050).fit([noise])
    names, units = extractor.get_feature_names_out(), extractor.get_feature_units_out()
    assert len(names) == len(set(names)) == len(units) == extractor.transform([noise]).shape[1]
    unit = dict(zip(names, units, strict=True))
    assert unit["pitch_mean"] == unit["spec_centroid__t2"] == "Hz"
    assert unit["spec_centroid_slope"] == "Hz/s"


def test_audio_features_are_prosodic_and_spectral_features(corpus):
    table = corpus.data.iloc[:3]
    parts = [
        extractor.set_output(transform="pandas").fit_transform(table)
        for extractor in (ProsodyFeatures(), SpectralFeatures(n_frames=4))
    ]
    both = AudioFeatures(n_frames=4).set_output(transform="pandas").fit_transform(table)
    assert set(both) == {*parts[0], *parts[1]}
    for part in parts:
        # Of columns in both, one is a sum in float32.
        np.testing.assert_allclose(both[part.columns], part, rtol=1e-5)


def test_selector_groups_columns_over_time(corpus):
    extractor = SpectralFeatures(features=["rms", "spec_centroid"], statistics=["mean"], n_frames=20)
    selector = PCACorrSelector(n_features=6).fit(
        extractor.set_output(transform="pandas").fit_transform(corpus.data), corpus.target
    )
    assert set(selector.contours_) == {"rms", "spec_centroid"}
    assert selector.feature_names_after_pca_.tolist()[:2] == ["rms_mean", "rms__pc0"]


def test_pipeline_with_selector_and_classifier(corpus):
    model = make_pipeline(AudioFeatures(), PCACorrSelector(), StandardScaler(), SVC())
    assert model.fit(corpus.data, corpus.target).score(corpus.data, corpus.target) > 0.5


def test_effect_of_gain_and_polarity(noise):
    features = ["rms", "energy", "spec_centroid", "spec_flatness", "mfcc"]
    extractor = SpectralFeatures(features=features, statistics=["mean"], n_mfcc=3, input_sr=22050).set_output(
        transform="pandas"
    )
    X = extractor.fit_transform([noise, -noise, 2 * noise])
    np.testing.assert_allclose(X.iloc[0], X.iloc[1], rtol=1e-5)
    assert X["rms_mean"].iloc[2] == pytest.approx(2 * X["rms_mean"].iloc[0], rel=1e-5)
    assert X["energy_mean"].iloc[2] == pytest.approx(4 * X["energy_mean"].iloc[0], rel=1e-5)
    assert X["spec_centroid_mean"].iloc[2] == pytest.approx(X["spec_centroid_mean"].iloc[0], rel=1e-4)


@pytest.mark.parametrize("y", [np.array([0.1, 0.0]), np.eye(1, 44100)[0], np.clip(np.linspace(-9, 9, 9000), -1, 1)])
@pytest.mark.parametrize("sr", [8000, 96000])
def test_values_of_degenerate_sounds_are_finite(y, sr):
    assert np.isfinite(AudioFeatures(input_sr=sr).fit_transform([y])).all()


@pytest.mark.parametrize("seconds", [0.05, 60])
def test_values_of_very_short_and_very_long_sounds_are_finite(seconds):
    y = np.random.default_rng(0).normal(scale=0.1, size=round(seconds * 22050))
    assert np.isfinite(AudioFeatures(input_sr=22050, cache=None).fit_transform([y])).all()


def test_silent_channel_changes_nothing(noise, tmp_path):
    extractor = SpectralFeatures(features=["rms", "spec_centroid", "zcr"], statistics=["mean"])
    paths = [tmp_path / "mono.wav", tmp_path / "dead.wav"]
    for path, sound in zip(paths, (noise, np.stack([noise, np.zeros_like(noise)], axis=1)), strict=True):
        soundfile.write(path, sound, 22050, subtype="FLOAT")
    mono, dead = extractor.fit_transform(paths)
    np.testing.assert_allclose(dead, mono, rtol=1e-5)


def test_sr_none_keeps_the_recorded_rate(corpus):
    path = corpus.data["audio"].iloc[0]
    y, sr = read_audio(path)
    as_recorded = SpectralFeatures(sr=None, features=["rms"], statistics=["mean"]).fit_transform([path])
    y -= y.mean()
    assert as_recorded[0, 0] == pytest.approx(low_level_descriptors(y, sr, features=["rms"])["rms"].mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"features": ["pitch"]}, "'features' parameter of SpectralFeatures must be distinct names"),
        ({"features": ["rms", "rms"]}, "'features' parameter"),
        ({"statistics": ["kurtosis"]}, "'statistics' parameter"),
        ({"statistics": ()}, "needs at least one of"),
        ({"features": ()}, "needs at least one of"),
    ],
)
def test_bad_names_are_an_error(params, message, noise):
    with pytest.raises(ValueError, match=message):
        SpectralFeatures(**params).fit([noise])
