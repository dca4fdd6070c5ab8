"""The synthetic corpus on disk: SAVEE's layout, agreement with its truth, reproducibility."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from savee_mm import load_savee, make_talking_faces
from savee_mm.datasets.synthetic import acting

EMOTIONS = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


@pytest.fixture(scope="module")
def root(corpus):
    return Path(corpus.data["audio"].iloc[0]).parents[2]


def read_images(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_corpus_equals_that_of_load_savee(corpus, root):
    loaded = load_savee(root)
    assert corpus.data.equals(loaded.data)
    np.testing.assert_array_equal(corpus.target, loaded.target)
    np.testing.assert_array_equal(corpus.groups, loaded.groups)
    assert len(corpus.data) == 21
    assert sorted(set(corpus.target)) == EMOTIONS
    assert sorted(set(corpus.groups)) == ["S1", "S2", "S3"]
    assert set(corpus.data["sentence"]) == {"common01"}
    assert "nothing about people" in corpus.DESCR  # not the description of SAVEE


def test_files_have_the_layout_of_savee(corpus, root):
    files = {str(path.relative_to(root)) for path in root.rglob("*.*")}
    codes = ["a", "d", "f", "h", "n", "sa", "su"]
    audio = {f"AudioData/{s}/{code}01.wav" for s in ("S1", "S2", "S3") for code in codes}
    video = {f"AudioVisualClip/{s}/{code}1.avi" for s in ("S1", "S2", "S3") for code in codes}
    assert {name.replace("\\", "/") for name in files} == audio | video


def test_sound_and_video_have_equal_length_and_sound(corpus):
    for audio, video in zip(corpus.data["audio"][:3], corpus.data["video"][:3], strict=True):
        info = soundfile.info(audio)
        assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
        samples, sr = soundfile.read(audio, dtype="int16")
        with av.open(video) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "mpeg4"
            assert (stream.width, stream.height, stream.average_rate) == (320, 256, 25)
            sound = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio=0)])
        np.testing.assert_array_equal(sound, samples)
        assert len(read_images(video)) == np.ceil(25 * len(samples) / sr)


def test_truth_agrees_with_the_files(corpus):
    assert corpus.truth.index.equals(corpus.data.index)
    assert not corpus.truth.isna().any(axis=None)
    for path, row in zip(corpus.data["audio"], corpus.truth.itertuples(), strict=True):
        y, sr = soundfile.read(path)
        # Half a step of 16 bits, 1.5e-5, against an rms of 0.01 and more.
        assert np.sqrt(np.mean(y**2)) == pytest.approx(row.rms, rel=2e-3)
        assert len(y) / sr == pytest.approx(row.duration)


def test_praat_agrees_with_the_truth_of_running_speech(corpus):
    import parselmouth
    from parselmouth.praat import call

    measured = []
    for path in corpus.data["audio"]:
        sound = parselmouth.Sound(path)
        pitch = sound.to_pitch_ac(pitch_floor=75, pitch_ceiling=600)
        frequency = pitch.selected_array["frequency"]
        pulses = call([sound, pitch], "To PointProcess (cc)")
        jitter = call(pulses, "Get jitter (local)", 0, 0, 0.0001, 0.02, 1.3)
        measured.append((np.median(frequency[frequency > 0]), jitter))
    f0, jitter = np.array(measured).T
    # Median against mean, and Praat's own voicing at consonants: looser than on a steady vowel.
    np.testing.assert_allclose(f0, corpus.truth["f0_mean"], rtol=0.15)
    assert np.corrcoef(jitter, corpus.truth["jitter"])[0, 1] > 0.9


def test_voices_depend_on_emotion_and_speaker(corpus):
    truth = corpus.truth.assign(emotion=corpus.target, speaker=corpus.groups)
    # The registers of speakers with even and odd numbers are those of women and men, a factor of 1.3 apart.
    f0 = truth.groupby("speaker")["f0_mean"].mean()
    assert f0["S2"] > 1.3 * max(f0["S1"], f0["S3"])
    mean = truth.groupby("emotion")[["f0_mean", "rms", "rate"]].mean()
    assert mean.loc["anger", "rms"] > mean.loc["neutral", "rms"] > mean.loc["sadness", "rms"]
    assert mean.loc["fear", "rate"] > mean.loc["sadness", "rate"]


def test_face_moves_from_rest_to_the_emotion(corpus):
    def brows_and_mouth(image):
        return image[70:210, 100:220].astype(float).mean(axis=2)

    for name, video in zip(corpus.target, corpus.data["video"], strict=True):
        if name == "surprise":
            frames = [brows_and_mouth(image) for image in read_images(video)]
            early = np.abs(frames[1] - frames[0]).mean()
            assert np.abs(frames[-1] - frames[0]).mean() > 2 * early


def test_same_seed_gives_the_same_bytes_with_fewer_speakers(corpus, tmp_path):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (the global state must not change)
    again = make_talking_faces(tmp_path, n_speakers=1, n_sentences=1, random_state=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    mine = corpus.data[corpus.groups == "S1"]
    for column in ("audio", "video"):
        for first, second in zip(mine[column], again.data[column], strict=True):
            assert Path(first).read_bytes() == Path(second).read_bytes()


def test_other_seed_gives_another_corpus(corpus):
    def first_speaker(seed):
        return acting.cast_speaker(0, np.random.default_rng(seed))

    assert first_speaker(0) != first_speaker(1)


def test_other_recordings_are_not_overwritten(tmp_path):
    other = tmp_path / "AudioData" / "DC" / "a01.wav"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"someone's recording")
    with pytest.raises(ValueError, match=r"1 files that are not part .* AudioData.DC.a01.wav"):
        make_talking_faces(tmp_path, n_speakers=1, n_sentences=1)
    assert other.read_bytes() == b"someone's recording"


@pytest.mark.parametrize(
    "arguments", [{"n_speakers": 0}, {"n_sentences": 16}, {"n_sentences": 1.5}, {"random_state": -1}]
)
def test_bad_sizes_are_named(tmp_path, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make_talking_faces(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())
