"""Choice of the frames of a clip, and of the face to follow."""

import cv2
import numpy as np
import pytest

from savee_mm import ClipError, FaceFrameSampler
from savee_mm.features.faces._selection import energy_moments
from savee_mm.media import read_audio, read_frames


def make(**params):
    return FaceFrameSampler(**{"detector": "lbp", **params})


# ---- which frames


def test_energy_chooses_loud_frames(frames, write_video, tmp_path):
    """With a voice from 0.4 to 0.8 s in a video of 1.2 s, the frames are evenly spaced in this part."""
    sound = np.zeros(19200)
    sound[6400:12800] = np.random.default_rng(0).normal(0, 0.1, 6400)
    path = write_video(tmp_path / "a.mkv", [frames[0]] * 30, sound=sound)
    times = make(strategy="energy", n_frames=4).fit([path]).diagnose([path])["time"]
    np.testing.assert_allclose(times, [0.45, 0.55, 0.65, 0.75], atol=0.041)  # duration of a frame, step of the envelope


def test_energy_moments_have_equal_energy():
    loudness, times = np.array([0, 0, 1, 1, 1, 1, 0, 2, 0]), np.arange(9.0)
    np.testing.assert_array_equal(energy_moments(loudness, times, 2), [3, 7])
    np.testing.assert_array_equal(energy_moments(loudness, times, 4), [2, 4, 7, 7])


def test_energy_without_a_voice_is_a_clip_error(frames, write_video, tmp_path):
    mute = write_video(tmp_path / "mute.mp4", frames)
    silent = write_video(tmp_path / "silent.mkv", frames, sound=np.zeros(16000))
    fitted = make(strategy="energy").fit([mute])
    with pytest.raises(
        ClipError, match=r"mute.*strategy='energy' needs the audio .* no audio stream .*; or use strategy='even'"
    ):
        fitted.transform([mute])
    with pytest.raises(ClipError, match=r"silent.*the audio is silent; use strategy='even'"):
        fitted.transform([silent])
    with pytest.raises(ClipError, match="an array of frames has none; pass a path, or use strategy='even'"):
        fitted.transform([frames])


def test_apex_is_the_last_frame(corpus):
    """Of neutral, surprised and neutral frames, the chosen ones end with a surprised one."""
    surprise = corpus.data["video"][corpus.target == "surprise"].iloc[0]
    neutral, wide = read_frames(surprise, times=[0.0, 0.6])[0]
    frames = np.stack([neutral] * 10 + [wide] * 12 + [neutral] * 10)
    times = make(strategy="apex").fit([frames]).diagnose([frames])["time"]
    assert 10 <= times.iloc[-1] < 22
    np.testing.assert_allclose(times, np.linspace(0, times.iloc[-1], 6), atol=0.5)  # frame numbers are integers


def test_apex_without_a_face_is_a_clip_error():
    blank = np.full((4, 120, 160, 3), 127, np.uint8)
    with pytest.raises(ClipError, match="no face found"):
        make(strategy="apex").fit_transform([blank])


# ---- which face


@pytest.fixture(scope="module")
def two_faces(corpus):
    """Two persons side by side for 1.6 s, the left one larger, and the voice of each (16 kHz)."""
    clips = [corpus.data.loc[corpus.data["clip_id"] == name].iloc[0] for name in ("S1_h01", "S2_h01")]
    left, right = (read_frames(clip["video"], times=np.arange(40) / 25)[0] for clip in clips)
    small = np.full_like(right, 90)
    small[:, 26:230, 32:288] = np.stack([cv2.resize(frame, (256, 204)) for frame in right])
    return np.concatenate([left, small], axis=2), [read_audio(clip["audio"], 16000)[0] for clip in clips]


def sides(sampler, clip):
    """Return which of the two faces is cropped in each frame: 0 left, 1 right."""
    return (sampler.fit([clip]).diagnose([clip])["x"] > 320).astype(int).tolist()


def test_largest_face_is_followed(two_faces):
    frames, _ = two_faces
    assert sides(make(n_frames=3), frames) == [0, 0, 0]
    assert sides(make(n_frames=3), frames[:, :, ::-1]) == [1, 1, 1]


def test_no_other_face_replaces_a_missing_face(two_faces):
    frames = two_faces[0][:9].copy()
    frames[4, :, :320] = 127
    fitted = make(n_frames=5, on_no_face="mask").fit([frames])
    assert fitted.diagnose([frames])["found"].tolist() == [True, True, False, True, True]
    assert not fitted.transform([frames])[0, 2].any()


@pytest.mark.parametrize("speaker", [0, 1])
def test_voice_chooses_the_face_that_moves_with_it(two_faces, weights, write_video, tmp_path, speaker):
    frames, voices = two_faces
    path = write_video(tmp_path / "two.mkv", frames, sound=voices[speaker][: 16000 * 40 // 25])
    assert sides(make(detector="yunet", n_frames=3, track="voice"), path) == [speaker] * 3


def test_voice_is_not_read_for_a_single_face(frames, two_faces, write_video, tmp_path):
    one, two = (write_video(tmp_path / name, clip) for name, clip in (("1.mp4", frames), ("2.mp4", two_faces[0])))
    fitted = make(track="voice", n_frames=2).fit([one])
    np.testing.assert_array_equal(fitted.transform([one]), make(n_frames=2).fit_transform([one]))
    with pytest.raises(ClipError, match=r"track='voice' needs the audio .*; or use track='largest'"):
        fitted.transform([two])
