"""Low-level descriptors in one pass: agreement with librosa and with single functions, memory."""

import subprocess
import sys
import tracemalloc

import librosa
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm import signal
from savee_mm.signal import DESCRIPTORS, low_level_descriptors

# Relative to the range; measured differences are below 5e-6.
RANGE = 1e-4
CLIPS = ["DC/a01", "JE/h03", "JK/su07", "KL/n10"]
RATES = [8000, 11025, 16000, 22050, 44100, 96000]


def sounds(sr, seconds=0.3):
    """Return extreme recordings by name."""
    rng = np.random.default_rng(0)
    t = np.arange(round(seconds * sr)) / sr
    noise = 0.1 * rng.standard_normal(len(t))
    return {
        "noise": noise,
        "silence": np.zeros(len(t)),
        "constant": np.full(len(t), -0.3),
        "clipped": np.clip(5 * np.sin(2 * np.pi * 220 * t), -1, 1),
        "16 bit": (3e4 * noise).astype(np.int16),
        "whisper": 1e-9 * noise,
    }


def librosa_descriptors(y, sr):
    """Return the descriptors from functions of librosa, or from its transform."""
    feature = librosa.feature
    amplitude = np.abs(librosa.stft(y))
    mfcc = feature.mfcc(y=y, sr=sr, n_mfcc=40)
    low = librosa.fft_frequencies(sr=sr) < 2000
    return {
        "rms": feature.rms(y=y)[0],
        "zcr": feature.zero_crossing_rate(y)[0],
        "spec_centroid": feature.spectral_centroid(y=y, sr=sr)[0],
        "spec_bandwidth": feature.spectral_bandwidth(y=y, sr=sr)[0],
        "spec_flatness": feature.spectral_flatness(y=y)[0],
        "spec_contrast": feature.spectral_contrast(y=y, sr=sr),
        "mel_spectrogram": feature.melspectrogram(y=y, sr=sr),
        "mfcc": mfcc,
        "mfcc_delta": feature.delta(mfcc),
        "amplitude_spectrogram": amplitude,
        "power_spectrogram": amplitude**2,
        "db_spectrogram": librosa.amplitude_to_db(amplitude, ref=np.max),
        "amplitude_envelope": np.abs(librosa.util.frame(np.pad(y, 1024), frame_length=2048, hop_length=512)).max(
            axis=0
        ),
        "spec_flux": np.sqrt(np.mean(np.diff(amplitude, axis=1, prepend=amplitude[:, :1]) ** 2, axis=0)),
        "ber": np.minimum((amplitude[low] ** 2).sum(axis=0) / (amplitude[~low] ** 2).sum(axis=0), 1e6),
    }


@pytest.mark.parametrize("sr", [44100, 22050, 16000])
@pytest.mark.parametrize("clip", CLIPS)
def test_agrees_with_librosa_on_speech(shared, clip, sr):
    y, recorded = sf.read(shared / f"data/savee_chimera/AudioData/{clip}.flac", dtype="float32")
    y = librosa.resample(y, orig_sr=recorded, target_sr=sr) if sr != recorded else y
    expected = librosa_descriptors(y, sr)
    ours = low_level_descriptors(y, sr, features=expected)
    errors = {name: np.abs(ours[name] - theirs).max() / np.ptp(theirs) for name, theirs in expected.items()}
    assert max(errors.values()) < RANGE, errors
    assert {name: descriptor.shape for name, descriptor in ours.items()} == {k: v.shape for k, v in expected.items()}


def test_default_is_all_but_the_images():
    descriptors = low_level_descriptors(np.zeros(8000), 16000)
    assert list(descriptors) == [name for name, descriptor in DESCRIPTORS.items() if not descriptor.is_image]


FUNCTIONS = {
    "energy": signal.short_time_energy,
    "zcr": signal.zero_crossing_rate,
    "teo": signal.mean_teager_energy,
    "ber": signal.band_energy_ratio,
    "mfcc_delta": lambda y, sr: signal.mfcc_delta(signal.mfcc(y, sr)),
}


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_single_functions_agree(name):
    y = sounds(16000)["noise"]
    function = FUNCTIONS.get(name) or getattr(signal, name.replace("spec_", "spectral_"))
    takes_rate = function.__code__.co_varnames[1] == "sr"
    alone = function(y, 16000) if takes_rate else function(y)
    together = low_level_descriptors(y, 16000, features=list(DESCRIPTORS))[name]
    # Single spectrograms and mel bands use a float32 transform.
    assert_allclose(together, alone, rtol=0, atol=3e-6 * np.ptp(alone))


def test_order_and_selection_change_no_value():
    y = sounds(22050)["noise"]
    names = ["mfcc", "spec_flux", "zcr", "db_spectrogram", "amplitude_spectrogram"]
    together = low_level_descriptors(y, 22050, features=names)
    assert list(together) == names
    for name in names:
        assert_array_equal(low_level_descriptors(y, 22050, features=[name])[name], together[name])


@pytest.mark.parametrize("sr", RATES)
@pytest.mark.parametrize("seconds", [0, 0.05, 0.3])
@pytest.mark.parametrize("kind", ["noise", "silence", "constant", "clipped", "16 bit", "whisper"])
def test_finite_single_precision_and_one_value_per_frame(sr, seconds, kind):
    y = sounds(sr, seconds)[kind]
    for name, descriptor in low_level_descriptors(y, sr, features=list(DESCRIPTORS)).items():
        assert descriptor.dtype == np.float32, name
        assert descriptor.shape[-1] == 1 + len(y) // 512, name
        assert np.isfinite(descriptor).all(), name


@pytest.mark.parametrize("kind", ["noise", "constant", "clipped", "whisper"])
def test_only_zero_crossings_depend_on_polarity(kind):
    y = sounds(16000)[kind]
    upright, inverted = (low_level_descriptors(sign * y, 16000, features=list(DESCRIPTORS)) for sign in (1, -1))
    for name in DESCRIPTORS.keys() - {"zcr"}:
        assert_array_equal(upright[name], inverted[name], err_msg=name)


def test_powers_depend_on_the_gain_and_shapes_do_not():
    y = sounds(16000)["noise"]
    quiet, loud = (low_level_descriptors(gain * y, 16000, features=list(DESCRIPTORS)) for gain in (1, 4))
    # Multiplication by a power of two is exact.
    for name in ("energy", "teo", "mel_spectrogram", "power_spectrogram"):
        assert_array_equal(loud[name], 16 * quiet[name], err_msg=name)
    for name in ("amplitude_envelope", "rms", "spec_flux", "amplitude_spectrogram"):
        assert_array_equal(loud[name], 4 * quiet[name], err_msg=name)
    for name in ("zcr", "ber", "spec_centroid", "spec_bandwidth"):
        assert_array_equal(loud[name], quiet[name], err_msg=name)
    # Rounding errors of logarithms in float32.
    for name in (
        "spec_flatness",
        "spec_contrast",
        "alpha_ratio",
        "hammarberg_index",
        "spectral_slope",
        "db_spectrogram",
    ):
        assert_allclose(loud[name], quiet[name], atol=2e-5, rtol=1e-5, err_msg=name)


def test_any_real_array_is_accepted_and_not_changed():
    y = sounds(16000)["noise"].astype(np.float32)
    y.flags.writeable = False
    expected = low_level_descriptors(y, 16000)
    strided = np.repeat(y, 2)[::2]
    for name, descriptor in low_level_descriptors(strided, 16000).items():
        assert_array_equal(descriptor, expected[name], err_msg=name)
    for name, descriptor in low_level_descriptors(y.tolist(), 16000).items():
        assert_array_equal(descriptor, expected[name], err_msg=name)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(1, 1), (3, 2), (400, 160), (401, 100), (512, 441), (256, 1000)])
def test_any_frame_and_hop(n_fft, hop_length):
    y = sounds(16000, 0.1)["noise"]
    descriptors = low_level_descriptors(y, 16000, n_fft=n_fft, hop_length=hop_length, n_mels=8, n_mfcc=8)
    length = {"frame_length": n_fft, "hop_length": hop_length}
    # librosa computes the mean differently: one rounding error.
    assert_allclose(descriptors["rms"], librosa.feature.rms(y=y, **length)[0], atol=1e-7)
    assert_allclose(descriptors["zcr"], librosa.feature.zero_crossing_rate(y, **length)[0], atol=1e-7)
    assert all(np.isfinite(descriptor).all() for descriptor in descriptors.values())


def test_memory_beyond_the_result_is_bounded():
    # 10 and 40 s; the first call loads compiled code and tables.
    long = np.random.default_rng(0).standard_normal(40 * 22050).astype(np.float32)
    low_level_descriptors(long[:22050], 22050)
    extra = []
    for y in (long[: len(long) // 4], long):
        tracemalloc.start()
        descriptors = low_level_descriptors(y, 22050)
        size = sum(descriptor.nbytes for descriptor in descriptors.values())
        extra.append(tracemalloc.get_traced_memory()[1] - size)
        tracemalloc.stop()
    n_more = (len(long) - len(long) // 4) // 512
    # About 60 numbers per frame are kept until the maximum over the clip is known; a spectrum has 1025.
    assert extra[1] - extra[0] < n_more * 100 * 4


@pytest.mark.parametrize(
    ("y", "keywords", "match"),
    [
        (np.zeros((2, 100)), {}, "one channel"),
        (np.r_[0, np.nan, np.zeros(5000)], {}, "finite"),
        (np.r_[np.zeros(5000), -np.inf], {}, "finite"),
        (np.zeros(100), {"features": ["rms", "timbre"]}, "timbre"),
        (np.zeros(100), {"features": "rms"}, "sequence of names"),
        (np.zeros(100), {"n_mfcc": 129}, "n_mfcc"),
        (np.zeros(100), {"hop_length": 0}, "hop"),
        (np.zeros(100), {"n_fft": 0}, "frame"),
    ],
)
def test_bad_input_is_refused(y, keywords, match):
    with pytest.raises(ValueError, match=match):
        low_level_descriptors(y, 16000, **keywords)


@pytest.mark.parametrize("sr", [0, -1, np.nan])
def test_rate_must_be_positive(sr):
    with pytest.raises(ValueError, match="sr"):
        low_level_descriptors(np.zeros(100), sr)


def test_numba_is_loaded_with_the_first_descriptor():
    code = (
        "import sys, numpy as np, savee_mm.signal as s; s.stft_power(np.zeros(100)); s.rms(np.zeros(9));"
        "print({'numba', 'librosa', 'scipy.signal'} & set(sys.modules)); s.zero_crossing_rate(np.zeros(9));"
        "print('numba' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["set()", "True"]
