"""FaceFrameSampler: six crops of the speaker's face, or a clear word."""

import numpy as np
import pytest

from savee_mm import ClipError, FaceFrameSampler
from savee_mm.media import read_frames


@pytest.fixture(scope="module")
def sampler(corpus):
    return FaceFrameSampler(detector="lbp").fit(corpus.data)


def test_shape_type_and_range(sampler, corpus):
    X = sampler.transform(corpus.data.iloc[:2])
    assert X.shape == (2, 6, 64, 64, 3)
    assert X.dtype == np.float32
    assert 0 <= X.min() < X.max() <= 1


def test_array_of_frames_stands_for_a_file(sampler, corpus):
    path = corpus.data["video"].iloc[0]
    frames = read_frames(path, 6)[0]
    np.testing.assert_array_equal(sampler.transform([frames]), sampler.transform([path]))


def test_face_is_followed(sampler, corpus):
    """Shifting the picture does not shift the face in the crop."""
    frames = read_frames(corpus.data["video"].iloc[0], 1)[0]
    shifted = np.roll(frames, 20, axis=2)
    still, moved = sampler.transform([frames])[0, 0], sampler.transform([shifted])[0, 0]
    # The cascade's windows lie on a grid, so the boxes agree to a few pixels only.
    assert np.corrcoef(still.ravel(), moved.ravel())[0, 1] > 0.9


def test_frame_without_a_face_borrows_the_nearest_box(sampler, corpus):
    frames = read_frames(corpus.data["video"].iloc[0], 6)[0]
    gap = frames.copy()
    gap[3] = 127
    X, whole = sampler.transform([gap])[0], sampler.transform([frames])[0]
    np.testing.assert_array_equal(np.delete(X, 3, axis=0), np.delete(whole, 3, axis=0))
    np.testing.assert_allclose(X[3], 127 / 255, atol=1e-6)


def test_no_face_at_all_is_a_clip_error(sampler):
    with pytest.raises(ClipError, match="no face found by 'lbp' in any of 6 frames"):
        sampler.transform([np.full((4, 120, 160, 3), 127, np.uint8)])


def test_sound_file_is_a_clip_error(sampler, corpus):
    with pytest.raises(ClipError, match="S1_a01"):
        sampler.transform(corpus.data.iloc[:1].assign(video=corpus.data["audio"].iloc[0]))


@pytest.mark.parametrize("frames", [np.zeros((4, 32, 32, 3)), np.zeros((4, 32, 32, 1), np.uint8)])
def test_frames_of_another_kind_are_refused(sampler, frames):
    with pytest.raises(ClipError, match="type uint8"):
        sampler.transform([frames])


def test_auto_takes_the_detector_whose_weights_are_there(corpus, monkeypatch, shared):
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    assert FaceFrameSampler().fit(corpus.data).detector_ == "lbp"
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    assert FaceFrameSampler().fit(corpus.data).detector_ == "yunet"


def test_missing_weights_at_prediction_are_refused(corpus, monkeypatch, shared):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    fitted = FaceFrameSampler(cache=None).fit(corpus.data)
    monkeypatch.delenv("SAVEE_MM_WEIGHTS")
    with pytest.raises(FileNotFoundError, match="fetch-weights yunet"):
        fitted.transform(corpus.data.iloc[:1])


@pytest.mark.parametrize("detector", ["yunet", "ssd", "lbp"])
def test_real_talking_faces(detector, monkeypatch, shared):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    clips = [shared / "data/clips/bbaf2n.mpg", shared / "data/clips/ravdess_01-01-01-01-01-01-01.mp4"]
    X = FaceFrameSampler(detector=detector, n_frames=2).fit_transform(clips)
    assert X.shape == (2, 2, 64, 64, 3)
    # A talking head keeps still: two crops of one clip are nearly one picture if both show the face.
    for first, last in X:
        assert np.corrcoef(first.ravel(), last.ravel())[0, 1] > 0.7


def test_real_video_without_a_face(monkeypatch, shared):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    with pytest.raises(ClipError, match="no face found"):
        FaceFrameSampler(detector="yunet").fit_transform([shared / "data/clips/no_face.mp4"])
