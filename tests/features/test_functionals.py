"""VoiceFunctionals: agreement with the parameters of synthetic sounds, and independence of the gain."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from savee_mm import ClipError, VoiceFunctionals, load_savee, read_audio
from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.signal import mel_spectrogram, normalize_rms, pitch, rms

SR = 16000
CLICK = np.eye(1, SR, SR // 2)[0]  # a sound of a second without a voice
COLUMNS = VoiceFunctionals(input_sr=SR).fit([CLICK]).get_feature_names_out().tolist()
STATISTICS = {"mean", "std", "p5", "p20", "median", "p80", "p95", "midrange", "slope", "delta_mean", "delta_std"}
# Columns that depend on the level: measures of location. Measures of dispersion do not.
LEVELS = [
    name
    for name in COLUMNS
    if name.startswith(("rms_loud_", "mel_")) and name.endswith(("_mean", "_median", "_p5", "_p20", "_p80", "_p95"))
    if not name.endswith("_delta_mean")
]


def features(y, *, input_sr=SR, **params):
    return VoiceFunctionals(input_sr=input_sr, **params).set_output(transform="pandas").fit_transform([y]).iloc[0]


def make_voice(random_state=0):
    """Return a voice with a pause and weak noise, so that no band is digitally silent."""
    first, _ = synthesize_voice(["ma", "si", "lo"], duration=0.8, f0=120, f0_range=2, sr=SR, random_state=random_state)
    second, _ = synthesize_voice(["be"], duration=0.3, f0=140, sr=SR, random_state=random_state)
    y = np.concatenate([first, np.zeros(SR // 4), 0.5 * second])
    return y + 1e-3 * np.random.default_rng(random_state).normal(size=len(y))


@pytest.fixture(scope="module")
def savee(shared):
    """Twelve clips, three of each speaker of SAVEE."""
    corpus = load_savee(shared / "data/savee_chimera")
    table = corpus.data.iloc[::40]
    assert table["speaker"].value_counts().tolist() == [3] * 4
    return table


# ---- columns


@pytest.mark.parametrize("params", [{}, {"level": "absolute"}, {"sr": 8000}, {"fmin": 60, "fmax": 400}])
def test_each_column_has_a_unique_name(params):
    extractor = VoiceFunctionals(input_sr=SR, **params)
    X = extractor.fit_transform([make_voice()])
    names = extractor.get_feature_names_out()
    assert X.shape == (1, len(names))
    assert len(set(names)) == len(names)
    assert names.tolist() == COLUMNS


def test_columns_are_those_of_the_docstring():
    loud = {name.rpartition("_loud_")[2] for name in COLUMNS if "_loud_" in name}
    assert loud == STATISTICS
    rows = {name.rpartition("_loud_")[0] for name in COLUMNS if "_loud_" in name}
    assert {f"mfcc_{k}" for k in range(20)} | {f"mel_{k}" for k in range(40)} < rows
    assert {"rms", "zcr", "ber", "spec_flux", "alpha_ratio", "hammarberg_index", "loudness"} < rows
    for row in ("f0", "hnr", "log_f1", "log_f4"):
        assert {f"{row}_{name}" for name in STATISTICS} <= set(COLUMNS)
    assert {f"{row}_part{k}" for row in ("f0", "rms") for k in range(5)} <= set(COLUMNS)
    assert {f"mel_{k}_voiced_{name}" for k in range(40) for name in ("mean", "std")} <= set(COLUMNS)
    assert {"jitter", "shimmer", "voiced_share", "duration", "pause_mean"} <= set(COLUMNS)


def test_every_column_has_a_unit():
    extractor = VoiceFunctionals(input_sr=SR).fit([make_voice()])
    units = dict(zip(COLUMNS, extractor.get_feature_units_out(), strict=True))
    assert (units["f0_median"], units["f0_slope"], units["f0_part0"]) == ("semitone", "semitone/s", "semitone")
    assert (units["hnr_mean"], units["rms_loud_p95"], units["mel_3_voiced_std"]) == ("dB", "dB", "dB")
    assert (units["voiced_share"], units["duration"], units["rms_loud_slope"]) == ("1", "s", "dB/s")
    assert units["voiced_segments_per_second"] == "1/s"
    assert all(isinstance(unit, str) and unit for unit in units.values())


def test_pandas_output_has_names_and_the_index_of_the_table(savee):
    table = savee.iloc[:2]
    X = VoiceFunctionals().set_output(transform="pandas").fit_transform(table)
    assert isinstance(X, pd.DataFrame)
    assert X.columns.tolist() == COLUMNS
    np.testing.assert_array_equal(X.to_numpy(), VoiceFunctionals().fit_transform(table))


# ---- synthetic tones and voices


@pytest.mark.parametrize(("f0", "semitones"), [(100, 0), (200, 12), (400, 24), (100 * 2**0.25, 3)])
def test_pitch_of_a_tone_in_semitones_above_100_hz(tone, f0, semitones):
    row = features(tone(f0, 1, SR))
    # 0.01 Hz: a window has few periods of a low tone.
    assert row["f0_median"] == pytest.approx(semitones, abs=3e-3)
    assert row["f0_mean"] == pytest.approx(semitones, abs=3e-3)
    for spread in ("f0_std", "f0_midrange", "f0_slope", "f0_delta_mean"):
        assert row[spread] == pytest.approx(0, abs=1e-2)
    assert row[[f"f0_part{k}" for k in range(5)]].tolist() == pytest.approx([0] * 5, abs=1e-2)
    assert row["voiced_share"] == 1
    assert row["duration"] == 1


def test_slope_of_a_glide_in_semitones_per_second():
    # Two octaves in two seconds are 12 semitones per second, and 4.8 per fifth of the clip.
    t = np.arange(2 * SR) / SR
    row = features(0.5 * np.sin(2 * np.pi * 100 * (2**t - 1) / np.log(2)))
    assert row["f0_slope"] == pytest.approx(12, abs=0.1)
    assert row["f0_median"] == pytest.approx(12, abs=0.2)
    # Of values spread evenly from 0 to 24.
    assert row["f0_midrange"] == pytest.approx(0.6 * 24, abs=0.3)
    assert row["f0_delta_mean"] == pytest.approx(0.12, abs=0.01)
    parts = row[[f"f0_part{k}" for k in range(5)]].to_numpy(dtype=float)
    np.testing.assert_allclose(np.diff(parts), 4.8, atol=0.2)


def test_slope_of_a_level_that_falls_by_10_db_per_second():
    t = np.arange(2 * SR) / SR
    row = features(0.5 * 10 ** (-10 * t / 20) * np.sin(2 * np.pi * 300 * t))
    # All frames are loud, since the level falls by 20 dB only. The first and last windows extend beyond the ends.
    assert row["rms_loud_slope"] == pytest.approx(-10, abs=0.3)
    parts = row[[f"rms_part{k}" for k in range(5)]].to_numpy(dtype=float)
    np.testing.assert_allclose(np.diff(parts), -4, atol=0.3)


@pytest.mark.parametrize("amplitude", [0.5, 0.02])
def test_absolute_levels_are_in_db_of_full_scale(tone, amplitude):
    row = features(tone(500, 1, SR, amplitude), level="absolute")
    # The mean square is half of the squared amplitude. The frames at the ends are half empty.
    assert row["rms_loud_median"] == pytest.approx(20 * np.log10(amplitude) - 10 * np.log10(2), abs=0.05)


def test_relative_levels_refer_to_the_mean_of_the_loud_frames():
    y = make_voice()
    row = features(y)
    levelled, _ = normalize_rms(y, SR)
    levels = 20 * np.log10(rms(levelled, frame_length=512, hop_length=160) + 1e-6)
    loud = levels > np.percentile(levels, 95) - 30
    assert 0.5 < loud.mean() < 0.95
    assert row["rms_loud_p95"] == pytest.approx(np.percentile(levels[loud], 95) - levels[loud].mean(), abs=1e-4)
    bands = mel_spectrogram(levelled, SR, n_mels=40, n_fft=512, hop_length=160)
    decibels = 10 * np.log10(bands + 1e-7)[:, loud]
    names = [f"mel_{k}_loud_mean" for k in range(40)]
    np.testing.assert_allclose(row[names].to_numpy(float), decibels.mean(axis=1) - levels[loud].mean(), atol=1e-3)
    # A scaler would amplify rounding errors.
    assert row["rms_loud_mean"] == 0


def test_loud_frames_exclude_a_pause(tone):
    y = tone(300, 1, SR) * np.hanning(SR) ** 0.1
    with_pause = np.concatenate([y, np.zeros(SR), y])
    whole, paused = features(np.concatenate([y, y])), features(with_pause)
    # With the pause, percentiles would be at the floor of -120 dB.
    assert paused["rms_loud_p5"] == pytest.approx(whole["rms_loud_p5"], abs=1)
    assert paused["mfcc_0_loud_median"] == pytest.approx(whole["mfcc_0_loud_median"], abs=20)
    assert paused["voiced_share"] == pytest.approx(2 / 3, abs=0.05)


def test_tone_is_loudest_in_its_band(tone):
    row = features(tone(1000, 1, SR))
    bands = [row[f"mel_{k}_loud_mean"] for k in range(40)]
    assert bands[np.argmax(bands)] > np.median(bands) + 30
    higher = [features(tone(f0, 1, SR))[[f"mel_{k}_voiced_mean" for k in range(40)]].argmax() for f0 in (200, 400, 550)]
    assert higher == sorted(set(higher))


def test_formants_and_harmonicity_match_the_synthesizer():
    clean, _ = synthesize_voice(["a"], f0=110, sr=SR)
    row = features(clean)
    # Formants of /a/ (Hz), which the glottal source shifts by a few per cent.
    assert np.exp(row[["log_f1_median", "log_f2_median", "log_f3_median"]].tolist()).tolist() == pytest.approx(
        [730, 1090, 2440], rel=0.1
    )
    hoarse, _ = synthesize_voice(["a"], f0=110, breathiness=0.5, sr=SR)
    assert row["hnr_mean"] > features(hoarse)["hnr_mean"] + 5


# ---- gain and offset


@pytest.mark.parametrize("gain", [0.01, 3])
def test_relative_features_do_not_depend_on_the_gain(gain):
    y = make_voice()
    # Samples have a relative error of 1e-7 (float32), differences between frames of a thousand times as much.
    np.testing.assert_allclose(features(gain * y), features(y), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("gain", [0.01, 3])
def test_gain_changes_absolute_levels_only(gain):
    y = make_voice()
    plain, other = (features(sound, level="absolute") for sound in (y, gain * y))
    np.testing.assert_allclose(other[LEVELS] - plain[LEVELS], 20 * np.log10(gain), atol=2e-3)
    rest = [name for name in COLUMNS if name not in LEVELS]
    np.testing.assert_allclose(other[rest], plain[rest], rtol=2e-3, atol=2e-3)


def test_absolute_and_relative_levels_differ_by_a_constant():
    y = make_voice()
    absolute, relative = features(y, level="absolute"), features(y)
    # The references are full scale and the mean of the loud frames.
    np.testing.assert_allclose(absolute[LEVELS] - relative[LEVELS], absolute["rms_loud_mean"], atol=1e-9)
    rest = [name for name in COLUMNS if name not in LEVELS]
    np.testing.assert_allclose(absolute[rest], relative[rest], atol=1e-9)


def test_features_do_not_depend_on_an_offset():
    y = make_voice()
    # Praat's jitter, shimmer and formants do.
    names = [name for name in COLUMNS if not name.startswith(("jitter", "shimmer", "log_f"))]
    np.testing.assert_allclose(features(y + 0.03)[names], features(y)[names], rtol=2e-3, atol=2e-3)


# ---- missing values


def test_voice_features_of_noise_are_filled(tone):
    noise = np.random.default_rng(0).normal(scale=0.1, size=SR)
    extractor = VoiceFunctionals(input_sr=SR).set_output(transform="pandas")
    X = extractor.fit_transform([tone(120, 1, SR), tone(150, 1, SR), tone(200, 1, SR), noise])
    assert np.isfinite(X.to_numpy()).all()
    assert X["voiced_share"].tolist() == [1, 1, 1, 0]
    filled = [name for name in COLUMNS if name.startswith(("f0_", "hnr_", "log_f")) or "_voiced_" in name]
    np.testing.assert_array_equal(X[filled].iloc[3], X[filled].iloc[:3].median())
    assert X["f0_median"].iloc[3] == pytest.approx(12 * np.log2(1.5), abs=1e-3)
    # Spectral features are measured.
    assert X["spec_flatness_loud_mean"].iloc[3] > X["spec_flatness_loud_mean"].iloc[:3].max() + 1
    assert extractor.failed_clips_.empty


def test_fill_values_come_from_training(tone):
    fitted = VoiceFunctionals(input_sr=SR).set_output(transform="pandas").fit([tone(200, 1, SR)])
    row = fitted.transform([CLICK]).iloc[0]
    assert row["f0_median"] == pytest.approx(12, abs=1e-3)
    assert row["voiced_share"] == 0


@pytest.mark.parametrize("level", ["relative", "absolute"])
@pytest.mark.parametrize(
    "y",
    [
        CLICK,
        np.array([0.1, -0.1]),
        np.array([0.1, -0.2, 0.1, 0.3, 0.0]),
        np.sin(np.arange(400)),
    ],
    ids=["click", "two samples", "five samples", "25 ms"],
)
@pytest.mark.parametrize("input_sr", [SR, 96000])
def test_rows_of_degenerate_sounds_are_finite(y, level, input_sr):
    X = VoiceFunctionals(level=level, input_sr=input_sr).fit_transform([y])
    assert np.isfinite(X).all()
    assert np.abs(X).max() < 1e4


@pytest.mark.parametrize("sr", [4000, 8000, 44100])
def test_pitch_does_not_depend_on_the_rate(tone, sr):
    assert features(tone(200, 1, sr), sr=sr, input_sr=sr)["f0_median"] == pytest.approx(12, abs=1e-3)
    assert features(tone(200, 1, sr), input_sr=sr)["f0_median"] == pytest.approx(12, abs=1e-3)


def test_invalid_samples_are_a_clip_error():
    with pytest.raises(ClipError, match="100 of 100 samples are NaN or infinite"):
        VoiceFunctionals(input_sr=SR).fit_transform([np.full(100, np.nan)])


@pytest.mark.parametrize(("parameter", "value"), [("level", "dBFS"), ("sr", 1000), ("fmin", 5), ("on_error", "skip")])
def test_bad_parameter_is_an_error_that_names_it(parameter, value):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of VoiceFunctionals"):
        VoiceFunctionals(**{parameter: value}).fit([np.zeros(100)])


# ---- tables


def test_recipe_changes_pitch_and_level(tone, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "tone.wav", tone(200, 1, SR), SR, subtype="FLOAT")
    table = pd.DataFrame(
        {
            "audio": [str(tmp_path / "tone.wav")] * 3,
            "clip_id": ["tone"] * 3,
            "augmentation": pd.Series([None, "pitch_shift(n_steps=2)", "apply_gain(gain=-6)"], dtype=object),
        }
    )
    X = VoiceFunctionals(level="absolute").set_output(transform="pandas").fit_transform(table)
    np.testing.assert_allclose(X["f0_median"], [12, 14, 12], atol=0.02)
    np.testing.assert_allclose(X["rms_loud_median"].diff().iloc[2] + X["rms_loud_median"].diff().iloc[1], -6, atol=1e-3)


def test_both_levels_are_one_extraction(tone, tmp_path):
    rows = [
        VoiceFunctionals(level=level, input_sr=SR, cache=tmp_path).fit_transform([tone(200, 1, SR)])
        for level in ("relative", "absolute", "relative")
    ]
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(rows[0], rows[2])
    assert np.any(rows[0] != rows[1])


def test_each_row_depends_on_its_clip_only(tone):
    sounds = [tone(120, 0.3, SR), make_voice()]
    extractor = VoiceFunctionals(input_sr=SR, cache=None).fit(sounds)
    X = extractor.transform(sounds)
    np.testing.assert_array_equal(extractor.transform(sounds[1:]), X[1:])
    np.testing.assert_array_equal(clone(extractor).fit_transform(sounds), X)


# ---- real voices


@pytest.mark.parametrize("level", ["relative", "absolute"])
def test_columns_of_real_clips_are_finite_and_vary(savee, level):
    X = VoiceFunctionals(level=level).set_output(transform="pandas").fit_transform(savee)
    assert np.isfinite(X.to_numpy()).all()
    constant = X.columns[X.std() < 1e-9].tolist()
    assert constant == (["rms_loud_mean"] if level == "relative" else [])


def test_pitch_of_male_voices_is_between_75_and_300_hz(savee):
    X = VoiceFunctionals().set_output(transform="pandas").fit_transform(savee)
    assert X["f0_median"].between(12 * np.log2(0.75), 12 * np.log2(3)).all()
    assert X["voiced_share"].between(0.2, 0.9).all()
    for clip, median in zip(savee["audio"], X["f0_median"], strict=True):
        hertz = np.nanmedian(pitch(*read_audio(clip))[0])
        assert median == pytest.approx(12 * np.log2(hertz / 100), abs=1e-3)


def test_only_absolute_levels_show_quiet_recordings(savee):
    """Speaker KL of SAVEE was recorded more than 20 dB below the others."""
    by_speaker = {}
    for level in ("relative", "absolute"):
        X = VoiceFunctionals(level=level).set_output(transform="pandas").fit_transform(savee)
        by_speaker[level] = X["mel_10_loud_mean"].groupby(savee["speaker"].to_numpy()).mean()
    drop = {level: means.drop("KL").min() - means["KL"] for level, means in by_speaker.items()}
    assert drop["absolute"] > 10
    assert abs(drop["relative"]) < 10


@pytest.mark.parametrize("gain", [1 / 64, 0.01])
def test_features_of_a_real_clip_do_not_depend_on_the_gain(savee, gain):
    y, _ = read_audio(savee["audio"].iloc[0], sr=SR)
    plain, other = features(y), features(gain * y)
    if gain == 1 / 64:
        # Scaling by a power of two is exact.
        np.testing.assert_array_equal(other, plain)
        return
    # Near half the sample rate the resampler leaves rounding errors only, which the contrast of the top band measures.
    names = [name for name in COLUMNS if not name.startswith("spec_contrast_6")]
    np.testing.assert_allclose(other[names], plain[names], rtol=1e-2, atol=1e-2)
