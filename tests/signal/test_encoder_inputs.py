"""Inputs of speech encoders agree with librosa's transforms and their published definitions."""

import librosa
import numpy as np
import pytest

from savee_mm.signal import ge2e_mel, standardized_samples, whisper_log_mel

SR = 16000


def noise(n_samples, scale=0.1, seed=0):
    return np.random.default_rng(seed).normal(0, scale, n_samples).astype(np.float32)


def mel_power(y, n_mels):
    power = np.abs(librosa.stft(y, n_fft=400, hop_length=160, pad_mode="reflect")) ** 2
    return librosa.filters.mel(sr=SR, n_fft=400, n_mels=n_mels) @ power


@pytest.mark.parametrize("n_samples", [400, 16000, 16159, 64321])
def test_whisper_agrees_with_its_definition_in_librosa(n_samples):
    y = noise(n_samples)
    n_frames = n_samples // 160 // 2 * 2
    expected = np.log10(np.maximum(mel_power(y, 80)[:, :n_frames], 1e-10))
    expected = (np.maximum(expected, expected.max() - 8) + 4) / 4
    np.testing.assert_allclose(whisper_log_mel(y), expected, atol=2e-6)  # single precision


def test_whisper_spans_at_most_eight_decades():
    y = noise(SR)
    y[SR // 2 :] *= 1e-8
    assert np.ptp(whisper_log_mel(y)) == pytest.approx(8 / 4)


def test_whisper_of_silence_is_constant():
    assert np.unique(whisper_log_mel(np.zeros(SR))).size == 1


def test_whisper_of_a_long_clip_does_not_depend_on_the_block_length():
    y = noise(31 * SR)
    long, short = whisper_log_mel(y), whisper_log_mel(y[: 20 * SR])
    np.testing.assert_allclose(long[:, :1990], short[:, :1990], atol=1e-6)


def test_whisper_refuses_less_than_two_frames():
    with pytest.raises(ValueError, match="20 ms"):
        whisper_log_mel(np.zeros(319))


def test_ge2e_agrees_with_librosa_above_its_level():
    y = noise(2 * SR, scale=0.1)  # -20 dBFS: not raised
    np.testing.assert_allclose(ge2e_mel(y), mel_power(y, 40).T, rtol=1e-4, atol=1e-6)


def test_ge2e_raises_quiet_audio_to_minus_30_dbfs():
    quiet = noise(2 * SR, scale=1e-3)
    raised = quiet * np.float32(10 ** (-30 / 20) / np.sqrt(np.mean(np.square(quiet, dtype=np.float64))))
    np.testing.assert_allclose(ge2e_mel(quiet), ge2e_mel(raised), rtol=1e-5)


def test_ge2e_of_silence_is_zero():
    assert not ge2e_mel(np.zeros(SR)).any()


def test_ge2e_refuses_an_empty_sound():
    with pytest.raises(ValueError, match="at least one sample"):
        ge2e_mel(np.zeros(0))


def test_standardized_samples_have_zero_mean_and_unit_variance():
    samples = standardized_samples(noise(SR) + 0.3)
    assert abs(samples.mean(dtype=np.float64)) < 1e-6
    assert samples.std(dtype=np.float64) == pytest.approx(1, abs=1e-4)  # 1e-7 is added to the variance


def test_standardized_silence_stays_finite():
    assert np.array_equal(standardized_samples(np.full(100, 0.5)), np.zeros(100, np.float32))


@pytest.mark.parametrize("function", [ge2e_mel, standardized_samples, whisper_log_mel])
def test_two_channels_are_refused(function):
    with pytest.raises(ValueError, match="one channel"):
        function(np.zeros((2, SR)))
