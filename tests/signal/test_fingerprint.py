"""Fingerprints identify modified copies of a recording, but not other recordings."""

import numpy as np
import pytest
import soundfile
import soxr

from savee_mm import load_ravdess, load_savee, read_audio
from savee_mm.signal import (
    add_noise,
    fingerprint_similarity,
    invert_polarity,
    similar_fingerprints,
    sound_fingerprint,
)

SR = 16000


def voice_like(seed, seconds=3.0, sr=SR):
    """Return harmonics of a varying pitch in syllables of varying timbre, with a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sr)) / sr
    knots = np.arange(0, seconds + 0.2, 0.15)
    contour = [np.interp(t, knots, values) for values in rng.uniform(0, 1, (12, len(knots)))]
    phase = 2 * np.pi * np.cumsum(100 + 80 * contour[0]) / sr
    sound = sum(contour[1 + k % 11] * np.sin(k * phase) / k for k in range(1, 16))
    return (0.1 * sound + 1e-3 * rng.standard_normal(len(t))).astype(np.float32)


def as_ogg(y, path):
    soundfile.write(path, y, SR, format="OGG", subtype="VORBIS", compression_level=0.7)
    return soundfile.read(path, dtype="float32")[0]


ALTERED = {
    "louder": lambda y, path: (4 * y, SR),
    "inverted": lambda y, path: (invert_polarity(y), SR),
    "offset": lambda y, path: (y + 0.03, SR),
    "other rate": lambda y, path: (soxr.resample(y, SR, 44100), 44100),
    "telephone": lambda y, path: (soxr.resample(y, SR, 8000), 8000),
    "7 ms cut off": lambda y, path: (y[112:-50], SR),
    "half a second cut off": lambda y, path: (y[8000:], SR),
    "silence in front": lambda y, path: (np.r_[np.zeros(5000, np.float32), y], SR),
    "codec": lambda y, path: (as_ogg(y, path), SR),
    "noise": lambda y, path: (add_noise(y, snr_db=20.0, seed=0), SR),
}


@pytest.mark.parametrize("how", list(ALTERED))
def test_altered_copy_is_the_same_recording(how, tmp_path):
    y = voice_like(0)
    copy = sound_fingerprint(*ALTERED[how](y, tmp_path / "copy.ogg"))
    others = [sound_fingerprint(voice_like(seed), SR) for seed in (1, 2)]
    assert fingerprint_similarity(sound_fingerprint(y, SR), copy)[2]
    pairs = similar_fingerprints([others[0], sound_fingerprint(y, SR), others[1], copy])
    assert [pair[:2] for pair in pairs] == [(1, 3)]


def test_similarity_is_symmetric_and_the_lag_changes_sign():
    y = voice_like(0)
    whole, part = sound_fingerprint(y, SR), sound_fingerprint(y[4000:], SR)
    forth, back = fingerprint_similarity(whole, part), fingerprint_similarity(part, whole)
    assert forth[0] == pytest.approx(back[0], abs=1e-6)
    assert forth[1] == pytest.approx(-0.25, abs=0.012)
    assert back[1] == pytest.approx(0.25, abs=0.012)


def test_different_voices_and_tones_are_not_the_same():
    t = np.arange(2 * SR) / SR
    rng = np.random.default_rng(0)
    tones = [np.sin(2 * np.pi * f * t) + 0.01 * rng.standard_normal(len(t)) for f in rng.uniform(100, 1500, 20)]
    sounds = [voice_like(seed) for seed in range(20)] + tones
    assert similar_fingerprints([sound_fingerprint(y, SR) for y in sounds]) == []


def test_fingerprint_consists_of_signs_and_masks_silence():
    y = voice_like(0)
    y[SR : 2 * SR] = 0
    bits = sound_fingerprint(y, SR)
    assert bits.dtype == np.int8
    assert set(np.unique(bits)) == {-1, 0, 1}
    middle = round((1.5 - 0.37 / 2) / 0.0116)
    assert not bits[middle].any()
    assert bits[0].any()


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros(SR), np.full(SR, 0.1), voice_like(0, seconds=0.3)])
def test_silent_and_short_sounds_are_not_similar_to_anything(y):
    bits = sound_fingerprint(y, SR)
    assert bits.shape[1:] == (32,)
    assert not fingerprint_similarity(bits, bits)[2]
    assert similar_fingerprints([bits, bits]) == []


def test_few_frames_are_not_sufficient():
    """In a corpus of thousands of clips, 20 frames may agree by chance."""
    bits = sound_fingerprint(voice_like(0), SR)[:20]
    similarity, _, is_same = fingerprint_similarity(bits, bits)
    assert similarity > 0.9
    assert not is_same


def test_more_fingerprints_than_one_block():
    rng = np.random.default_rng(0)
    fingerprints = [rng.choice([-1, 1], (rng.integers(60, 120), 32)).astype(np.int8) for _ in range(300)]
    # Of the true distance of two frames, as in sounds.
    fingerprints = [np.repeat(bits, 4, axis=0) for bits in fingerprints]
    fingerprints[7] = fingerprints[290][12:]
    fingerprints[200] = fingerprints[3].copy()
    assert [pair[:2] for pair in similar_fingerprints(fingerprints)] == [(3, 200), (7, 290)]


def test_bad_sound_is_refused():
    with pytest.raises(ValueError, match="one channel"):
        sound_fingerprint(np.zeros((2, SR)), SR)
    with pytest.raises(ValueError, match="4000 Hz or more, got 2000"):
        sound_fingerprint(np.zeros(SR), 2000)


def fingerprints_of(paths):
    return [sound_fingerprint(*read_audio(path, sr=5600)) for path in paths]


def test_recorded_voices_differ_and_are_found_in_their_videos(shared):
    """SAVEE: no two of the 480 recordings are the same, and each is found in its mp3 copy."""
    table = load_savee(shared / "data" / "savee_chimera").data
    voices = fingerprints_of(table["audio"])
    assert len(voices) == 480
    assert similar_fingerprints(voices) == []
    some = range(0, 480, 8)
    pairs = similar_fingerprints(voices + fingerprints_of(table["video"].iloc[::8]))
    assert [pair[:2] for pair in pairs] == [(i, 480 + n) for n, i in enumerate(some)]


def test_two_takes_of_a_text_are_two_recordings(shared):
    """RAVDESS: two takes of a text in one emotion by one actor, the most similar pairs of different recordings."""
    folder = shared / "data" / "ravdess"
    with pytest.warns(UserWarning, match="RAVDESS"):
        table = load_ravdess(folder).data
    actors = table[table["actor"].isin([1, 2, 8])]
    assert similar_fingerprints(fingerprints_of(actors["audio"])) == []
