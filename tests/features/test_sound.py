"""Sound of a clip: voice quality at the recorded rate, offsets, integers as floats, arrays without a sample rate."""

import warnings

import numpy as np
import parselmouth
import pytest
import soundfile
import soxr
from parselmouth.praat import call

from savee_mm import (
    AudioFeatures,
    ClipError,
    ClipWarning,
    MFCCImage,
    ProsodyFeatures,
    SpectralFeatures,
    VoiceFunctionals,
    load_ravdess,
    load_savee,
)
from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.signal import formants

VOICE = [ProsodyFeatures, AudioFeatures, VoiceFunctionals]
EXTRACTORS = [*VOICE, SpectralFeatures, MFCCImage]
LIMITS = (0.0001, 0.02, 1.3)


def features(extractor, clips, **params):
    return extractor(cache=None, **params).set_output(transform="pandas").fit_transform(clips)


def praat(path):
    """Return Praat's measures of a recording by the names of the columns."""
    sound = parselmouth.Sound(str(path))
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)
    f0, strength = pitch.selected_array["frequency"], pitch.selected_array["strength"]
    pulses = call([sound, pitch], "To PointProcess (cc)")
    ratio = np.minimum(strength[f0 > 0], 1 - 1e-6)
    # Equal to Praat's in tests/signal; Praat itself does not compute them at the times of the pitch.
    resonances, _ = formants(sound.values[0], sound.sampling_frequency, times=pitch.xs()[f0 > 0])
    return {
        "pitch_mean": f0[f0 > 0].mean(),
        "f0_mean": 12 * np.log2(f0[f0 > 0] / 100).mean(),
        "hnr_mean": 10 * np.log10(ratio / (1 - ratio)).mean(),
        "jitter": call(pulses, "Get jitter (local)", 0, 0, *LIMITS),
        "shimmer": call([sound, pulses], "Get shimmer (local)", 0, 0, *LIMITS, 1.6),
        **{f"f{k}_mean": row.mean() for k, row in enumerate(resonances, start=1)},
        **{f"log_f{k}_mean": np.log(row).mean() for k, row in enumerate(resonances, start=1)},
    }


@pytest.fixture(scope="module")
def recordings(shared):
    """Five clips of SAVEE (44.1 kHz) and of RAVDESS (48 kHz)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*clips", category=UserWarning)  # the folder has half of the actors
        ravdess = load_ravdess(shared / "data/ravdess").data
    savee = load_savee(shared / "data/savee_chimera").data
    return [*savee["audio"].iloc[::100][:5], *ravdess["audio"].iloc[::150][:5]]


@pytest.fixture(scope="module", params=[16000, 22050, 44100, 48000])
def files(request, recordings, tmp_path_factory):
    """The recordings at one sample rate."""
    folder, paths = tmp_path_factory.mktemp("sounds"), []
    for i, recording in enumerate(recordings):
        y, sr = soundfile.read(recording, dtype="float32")
        paths.append(str(folder / f"{i}.wav"))
        soundfile.write(paths[-1], soxr.resample(y, sr, request.param), request.param, subtype="FLOAT")
    return paths


@pytest.mark.parametrize("extractor", VOICE)
def test_voice_is_measured_as_praat_measures_the_recording(extractor, files):
    table = features(extractor, files)
    for row, path in enumerate(files):
        expected = {name: value for name, value in praat(path).items() if name in table.columns}
        assert {"hnr_mean", "jitter", "shimmer"} < expected.keys()
        # Single marks at the ends of voiced segments may differ.
        assert table.iloc[row][list(expected)].tolist() == pytest.approx(list(expected.values()), rel=2e-3)


@pytest.mark.parametrize("extractor", VOICE)
def test_voice_of_an_array_is_measured_at_its_own_rate(extractor, tmp_path):
    y, _ = synthesize_voice(["ma", "si", "lo"], f0=120, jitter=0.02, shimmer=0.1, sr=44100)
    soundfile.write(tmp_path / "voice.wav", y, 44100, subtype="FLOAT")
    expected = praat(tmp_path / "voice.wav")
    row = features(extractor, [y], input_sr=44100).iloc[0]
    assert row[["jitter", "shimmer"]].tolist() == pytest.approx([expected["jitter"], expected["shimmer"]], rel=1e-3)


def test_spectrum_is_measured_at_the_working_rate(tmp_path):
    y, _ = synthesize_voice(["ma", "si", "lo"], f0=120, sr=44100)
    y += 1e-3 * np.random.default_rng(0).normal(size=len(y))  # not silent in any frame
    rates = (22050, 44100)
    for sr in rates:
        soundfile.write(tmp_path / f"{sr}.wav", soxr.resample(y, 44100, sr), sr, subtype="FLOAT")
    paths, names = [tmp_path / f"{sr}.wav" for sr in rates], ["rms", "spec_centroid", "spec_flux", "mfcc"]
    low, high = features(SpectralFeatures, paths, features=names).to_numpy()
    np.testing.assert_allclose(low, high, rtol=1e-3, atol=1e-3)


# ---- constant offset


@pytest.mark.parametrize("extractor", [SpectralFeatures, AudioFeatures])
@pytest.mark.parametrize("offset", [0.03, -0.2])
def test_offset_changes_jitter_shimmer_and_formants_only(extractor, offset):
    rng = np.random.default_rng(0)
    y, sr = synthesize_voice(["ma", "si"], f0=120, sr=16000)[0], 16000
    y = np.concatenate([y, np.zeros(4000)]) + 1e-3 * rng.normal(size=len(y) + 4000)
    # At the rate of the arrays: resampling to a higher one leaves rounding errors in an empty band.
    table = features(extractor, [y, y + offset], sr=sr, input_sr=sr)
    # As in Praat.
    table = table.drop(columns=table.filter(regex=r"^(jitter|shimmer|f\d_)").columns)
    # Rounding errors of float32 grow with the offset.
    np.testing.assert_allclose(table.iloc[1], table.iloc[0], rtol=1e-3, atol=1e-3 * abs(offset))


# ---- scale of the samples


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_integers_as_floats_are_rescaled_with_a_warning(extractor, tone):
    y = np.rint(32768 * tone(150, 1, 22050)) / 32768
    expected = extractor(input_sr=22050, cache=None).fit_transform([y])
    with pytest.warns(
        ClipWarning, match=r"1 of 1 clips were corrected.*clip '0': samples of up to .* divided by 32768"
    ):
        found = extractor(input_sr=22050, cache=None).fit_transform([32768 * y])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_corrections_in_workers_are_reported(tmp_path, tone):
    paths = [tmp_path / f"{i}.wav" for i in range(3)]
    for i, path in enumerate(paths):
        y = tone(150, 0.2, 22050)
        soundfile.write(path, np.rint(20000 * y) if i else y, 22050, subtype="FLOAT")
    with pytest.warns(ClipWarning, match=r"2 of 3 clips were corrected. First correction: clip '1' .*1.wav\)"):
        ProsodyFeatures(n_jobs=2, cache=None).fit_transform(paths)


@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.parametrize("peak", [50.5, 1e18, 1e30, 3e38, 1e200])
def test_samples_of_unknown_scale_are_an_error(extractor, peak, tone):
    with pytest.raises(ClipError, match="expected floats with full scale at 1"):
        extractor(input_sr=44100).fit_transform([peak * tone(150, 0.2, 44100)])


# ---- arrays without a sample rate


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_assumed_rate_of_arrays_is_in_a_warning(extractor, tone):
    sr = extractor().sr
    with pytest.warns(ClipWarning, match=f"{sr} Hz was assumed. Pass input_sr to {extractor.__name__}"):
        assumed = extractor().fit_transform([tone(150, 0.3, sr)])
    np.testing.assert_array_equal(assumed, extractor(input_sr=sr).fit_transform([tone(150, 0.3, sr)]))


def test_files_need_no_rate(corpus):
    ProsodyFeatures().fit_transform(corpus.data.iloc[:1])
