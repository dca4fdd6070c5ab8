"""ProsodyFeatures: agreement with the parameters of synthetic sounds."""

import numpy as np
import pandas as pd
import pytest

from savee_mm import ClipError, ProsodyFeatures
from savee_mm.datasets.synthetic import synthesize_voice

SR = 22050
CLICK = np.eye(1, SR, SR // 2)[0]  # a sound of a second without a voice
COLUMNS = ProsodyFeatures(input_sr=SR).fit([CLICK]).get_feature_names_out().tolist()


def features(y, *, input_sr=SR, **params):
    return ProsodyFeatures(input_sr=input_sr, **params).set_output(transform="pandas").fit_transform([y]).iloc[0]


def test_tone_has_its_pitch_and_energy(tone):
    row = features(tone(f0=150, amplitude=0.4))
    # Praat interpolates the peak of the autocorrelation, which is exact to 0.01 Hz for a clean tone.
    assert row["pitch_mean"] == pytest.approx(150, abs=0.01)
    assert row["pitch_std"] == pytest.approx(0, abs=0.01)
    assert row["energy_median"] == pytest.approx(0.4**2 / 2, rel=1e-2)
    assert row["teo_median"] == pytest.approx(0.4**2 * np.sin(2 * np.pi * 150 / 22050) ** 2, rel=1e-3)
    assert row["voiced_share"] > 0.9


def test_pitch_range_of_a_glide():
    sr = 22050
    f0 = np.linspace(120, 240, 2 * sr)
    row = features(0.5 * np.sin(2 * np.pi * np.cumsum(f0) / sr))
    # The first and last analysis windows (40 ms) are not centred on the ends.
    assert row["pitch_range"] == pytest.approx(120, abs=5)
    assert row["pitch_median"] == pytest.approx(180, abs=1)


def test_energies_are_proportional_to_the_square_of_the_gain(tone):
    y = tone() + 0.05 * np.random.default_rng(0).normal(size=22050)
    quiet, loud = features(0.2 * y), features(0.6 * y)
    names = [name for name in COLUMNS if name.startswith(("energy", "teo"))]
    np.testing.assert_allclose(loud[names] / quiet[names], 9, rtol=1e-4)
    np.testing.assert_allclose(loud["pitch_mean"], quiet["pitch_mean"], rtol=1e-6)


def test_energies_do_not_depend_on_polarity(tone):
    y = tone() + 0.05 * np.random.default_rng(0).normal(size=22050)
    names = [name for name in COLUMNS if name.startswith(("energy", "teo"))]
    np.testing.assert_allclose(features(y)[names], features(-y)[names], rtol=1e-6)


def test_pitch_jitter_and_shimmer_match_the_synthesizer(corpus):
    measured = ProsodyFeatures().set_output(transform="pandas").fit_transform(corpus.data)
    # Praat measures frames of 40 ms, the synthesizer periods.
    assert np.median(np.abs(measured["pitch_mean"] / corpus.truth["f0_mean"] - 1)) < 0.03
    for name in ("jitter", "shimmer"):
        assert np.corrcoef(measured[name], corpus.truth[name])[0, 1] > 0.7


def test_formants_and_harmonicity_match_the_synthesizer():
    clean, _ = synthesize_voice(["a"], f0=110)
    hoarse, _ = synthesize_voice(["a"], f0=110, breathiness=0.5)
    row = features(clean)
    # Formants of /a/ (Hz), which the glottal source shifts by a few per cent.
    assert row[["f1_mean", "f2_mean", "f3_mean"]].tolist() == pytest.approx([730, 1090, 2440], rel=0.07)
    assert row["hnr_mean"] > features(hoarse)["hnr_mean"] + 5


def test_timing_of_tones_and_pauses(tone):
    gap = np.zeros(22050 // 2)
    # Tones are faded in and out, since clicks would be loudness peaks.
    sounds = [tone(f0, seconds) for f0, seconds in ((200, 1), (150, 0.5), (200, 1))]
    sounds = [y * np.minimum(1, 50 * np.minimum(np.arange(len(y)), np.arange(len(y))[::-1]) / 22050) for y in sounds]
    row = features(np.concatenate([sounds[0], gap, sounds[1], gap, sounds[2]]))
    # Windows of 20 and 40 ms extend beyond the edges.
    assert row["voiced_segment_mean"] == pytest.approx(2.5 / 3, abs=0.04)
    assert row["voiced_segment_std"] == pytest.approx(np.std([1, 0.5, 1]), abs=0.04)
    assert row["unvoiced_segment_mean"] == pytest.approx(0.5, abs=0.04)
    assert row["voiced_segments_per_second"] == pytest.approx(3 / 3.5)
    assert row["pause_mean"] == pytest.approx(0.5, abs=0.03)
    assert row["pause_share"] == pytest.approx(1 / 3.5, abs=0.02)
    assert row["loudness_peaks_per_second"] == pytest.approx(3 / 3.5)


def test_voice_quality_and_timing_do_not_depend_on_the_level():
    y = np.concatenate([synthesize_voice(["ma", "si"])[0], np.zeros(6000), synthesize_voice(["lo"])[0]])
    names = COLUMNS[COLUMNS.index("voiced_share") :]
    np.testing.assert_allclose(features(0.01 * y)[names], features(y)[names], rtol=1e-3)


def test_pitch_of_an_unvoiced_clip_is_filled(tone):
    noise = np.random.default_rng(0).normal(scale=0.1, size=22050)
    X = ProsodyFeatures(input_sr=SR).set_output(transform="pandas").fit_transform([tone(150), tone(250), noise, CLICK])
    assert X["voiced_share"].iloc[3] == 0
    assert X["pitch_mean"].iloc[3] == pytest.approx(X["pitch_mean"].iloc[:3].median(), rel=0.3)
    # A frame of 2048 samples has the energy of the click, from which the mean is removed.
    assert X["energy_max"].iloc[3] == pytest.approx(1 / 2048, rel=1e-3)


def test_fill_values_come_from_training(tone):
    fitted = ProsodyFeatures(input_sr=SR).fit([tone(150), tone(170)])
    assert fitted.transform([CLICK])[0, 0] == pytest.approx(160, abs=0.1)


@pytest.mark.parametrize("seconds", [0.001, 0.03, 0.05, 10])
@pytest.mark.parametrize("sr", [8000, 44100, 96000])
def test_values_are_finite_at_any_length_and_rate(seconds, sr, tone):
    y = tone(200, seconds, sr)
    assert np.isfinite(ProsodyFeatures(input_sr=sr).fit_transform([y])).all()
    assert np.isfinite(ProsodyFeatures(sr=None, input_sr=sr).fit_transform([y])).all()


def test_pitch_does_not_depend_on_the_rate(tone):
    pitches = [features(tone(200, 1, sr), input_sr=sr)["pitch_mean"] for sr in (8000, 22050, 96000)]
    np.testing.assert_allclose(pitches, 200, atol=0.05)


def test_pitch_does_not_depend_on_clipping_and_offset(tone):
    clipped = np.clip(3 * tone(), -1, 1)
    assert features(clipped)["pitch_mean"] == pytest.approx(200, abs=0.1)
    assert features(tone() + 0.2)["pitch_mean"] == pytest.approx(200, abs=0.1)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([]), "0 samples"),
        (np.zeros(100, np.int16), r"expected floating-point samples in \[-1, 1\], got int16"),
        (np.full(100, np.nan), "100 of 100 samples are NaN or infinite"),
        (np.r_[np.zeros(99), np.inf], "1 of 100 samples are NaN or infinite"),
    ],
)
def test_invalid_samples_are_a_clip_error(y, message):
    with pytest.raises(ClipError, match=message):
        ProsodyFeatures(input_sr=SR).fit_transform([y])


def test_array_without_a_sample_rate_is_a_clip_error():
    with pytest.raises(ClipError, match="pass input_sr"):
        ProsodyFeatures(sr=None).fit_transform([np.zeros(100)])


def test_pandas_output_has_named_columns(tone):
    X = ProsodyFeatures(input_sr=SR).set_output(transform="pandas").fit_transform([tone()])
    assert isinstance(X, pd.DataFrame)
    assert X.columns.tolist() == COLUMNS
    assert {"pitch_range", "energy_max", "jitter", "shimmer", "teo_mean", "voiced_share"} <= set(COLUMNS)
    assert {"hnr_mean", "f1_mean", "f3_std", "voiced_segment_mean", "pause_share"} <= set(COLUMNS)


def test_every_column_has_a_unit(tone):
    extractor = ProsodyFeatures(input_sr=SR).fit([tone()])
    units = dict(zip(COLUMNS, extractor.get_feature_units_out(), strict=True))
    assert (units["hnr_std"], units["f2_mean"], units["pause_mean"]) == ("dB", "Hz", "s")
    assert all(units[name] == "1/s" for name in COLUMNS if name.endswith("_per_second"))
