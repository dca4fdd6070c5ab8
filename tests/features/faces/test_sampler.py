"""FaceFrameSampler: six crops of the speaker's face, or a clear word."""

import shutil

import cv2
import numpy as np
import pytest

from savee_mm import ClipError, FaceFrameSampler
from savee_mm.features.faces._selection import energy_moments
from savee_mm.media import read_audio, read_frames
from savee_mm.vision import align_face, make_detector, steady_eyes


def make(**params):
    return FaceFrameSampler(**{"detector": "lbp", **params})


@pytest.fixture(scope="module")
def sampler(corpus):
    return make().fit(corpus.data)


@pytest.fixture(scope="module")
def pictures(corpus):
    """Six pictures of a talking face."""
    return read_frames(corpus.data["video"].iloc[0], 6)[0]


@pytest.fixture
def weights(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    return shared / "models"


def turn(picture, degrees):
    """Turn a picture around its middle, against the clock."""
    height, width = picture.shape[:2]
    transform = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(picture, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)


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


def test_frame_without_a_face_borrows_the_nearest_box(sampler, pictures):
    frames = pictures
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
def test_real_talking_faces(detector, weights, shared):
    clips = [shared / "data/clips/bbaf2n.mpg", shared / "data/clips/ravdess_01-01-01-01-01-01-01.mp4"]
    X = FaceFrameSampler(detector=detector, n_frames=2).fit_transform(clips)
    assert X.shape == (2, 2, 64, 64, 3)
    # A talking head keeps still: two crops of one clip are nearly one picture if both show the face.
    for first, last in X:
        assert np.corrcoef(first.ravel(), last.ravel())[0, 1] > 0.7


def test_real_video_without_a_face(weights, shared):
    with pytest.raises(ClipError, match="no face found"):
        FaceFrameSampler(detector="yunet").fit_transform([shared / "data/clips/no_face.mp4"])


# ---- which frames


def test_loud_frames_are_taken_by_energy(pictures, write_video, tmp_path):
    """A voice between 0.4 and 0.8 s of a video of 1.2 s: every frame lies there, evenly."""
    sound = np.zeros(19200)
    sound[6400:12800] = np.random.default_rng(0).normal(0, 0.1, 6400)
    path = write_video(tmp_path / "a.mkv", [pictures[0]] * 30, sound=sound)
    times = make(strategy="energy", n_frames=4).fit([path]).diagnose([path])["time"]
    np.testing.assert_allclose(times, [0.45, 0.55, 0.65, 0.75], atol=0.041)  # a frame, and a piece of the envelope


def test_energy_moments_have_equal_shares():
    loudness, times = np.array([0, 0, 1, 1, 1, 1, 0, 2, 0]), np.arange(9.0)
    np.testing.assert_array_equal(energy_moments(loudness, times, 2), [3, 7])
    np.testing.assert_array_equal(energy_moments(loudness, times, 4), [2, 4, 7, 7])


def test_energy_asks_for_a_voice(pictures, write_video, tmp_path):
    mute = write_video(tmp_path / "mute.mp4", pictures)
    silent = write_video(tmp_path / "silent.mkv", pictures, sound=np.zeros(16000))
    fitted = make(strategy="energy").fit([mute])
    with pytest.raises(
        ClipError, match=r"mute.*strategy='energy' listens .* no audio stream .*; or use strategy='even'"
    ):
        fitted.transform([mute])
    with pytest.raises(ClipError, match=r"silent.*the sound is silent; use strategy='even'"):
        fitted.transform([silent])
    with pytest.raises(ClipError, match="an array of frames has none; pass a path, or use strategy='even'"):
        fitted.transform([pictures])


def test_the_apex_is_the_last_frame(corpus):
    """Neutral, half a second of surprise, neutral: evenly from the first frame to the surprise."""
    surprise = corpus.data["video"][corpus.target == "surprise"].iloc[0]
    neutral, wide = read_frames(surprise, times=[0.0, 0.6])[0]
    frames = np.stack([neutral] * 10 + [wide] * 12 + [neutral] * 10)
    times = make(strategy="apex").fit([frames]).diagnose([frames])["time"]
    assert 10 <= times.iloc[-1] < 22
    np.testing.assert_allclose(times, np.linspace(0, times.iloc[-1], 6), atol=0.5)  # whole frames


def test_the_apex_of_a_clip_without_a_face_is_the_same_error():
    blank = np.full((4, 120, 160, 3), 127, np.uint8)
    with pytest.raises(ClipError, match="no face found"):
        make(strategy="apex").fit_transform([blank])


# ---- how they are cut


def test_by_the_eyes_that_the_detector_finds(pictures, weights):
    turned = np.stack([turn(picture, 10) for picture in pictures])
    crops = make(detector="yunet", align="eyes", margin=0.3).fit_transform([turned])[0]
    found = np.stack([make_detector("yunet").detect(picture).landmarks[0, :2] for picture in turned])
    assert (found[:, 1, 1] < found[:, 0, 1] - 1).all()  # the person's left eye is higher
    for picture, crop, eyes in zip(turned, crops, steady_eyes(found), strict=True):
        np.testing.assert_array_equal(crop, align_face(picture, eyes, margin=0.3)[0])


def test_eyes_need_landmarks(pictures):
    with pytest.raises(ValueError, match=r"align='eyes' needs landmarks.*'lbp'.*detector=\"yunet\""):
        make(align="eyes").fit([pictures])


def test_margin_shows_more_around_the_same_box(pictures):
    tight, wide = (make(margin=margin, size=size).fit([pictures]) for margin, size in ((0, (32, 32)), (1, (64, 64))))
    middle = wide.transform([pictures])[..., 16:48, 16:48, :]
    # But for sides of a whole number of pixels it is the same crop.
    assert np.corrcoef(middle.ravel(), tight.transform([pictures]).ravel())[0, 1] > 0.99
    boxes = ["x", "y", "width", "height"]
    assert wide.diagnose([pictures])[boxes].equals(tight.diagnose([pictures])[boxes])


def test_gray_is_the_luma_of_rgb(pictures):
    grey = make(color="gray").fit_transform([pictures])
    assert grey.shape == (1, 6, 64, 64, 1)
    luma = make().fit_transform([pictures]) @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    np.testing.assert_allclose(grey[..., 0], luma, atol=1e-6)


def test_every_parameter_of_the_crop_counts_in_the_cache(pictures, tmp_path):
    first = make(cache=tmp_path).fit_transform([pictures])
    np.testing.assert_array_equal(make(cache=tmp_path).fit_transform([pictures]), first)
    assert not np.array_equal(make(cache=tmp_path, margin=0.5).fit_transform([pictures]), first)
    assert make(cache=tmp_path, n_frames=2).fit_transform([pictures]).shape[1] == 2


# ---- whom to follow


@pytest.fixture(scope="module")
def two_faces(corpus):
    """Two people side by side for 1.6 s, each with a voice of their own (16 kHz); the left one is larger."""
    clips = [corpus.data.loc[corpus.data["clip_id"] == name].iloc[0] for name in ("S1_h01", "S2_h01")]
    left, right = (read_frames(clip["video"], times=np.arange(40) / 25)[0] for clip in clips)
    small = np.full_like(right, 90)
    small[:, 26:230, 32:288] = np.stack([cv2.resize(picture, (256, 204)) for picture in right])
    return np.concatenate([left, small], axis=2), [read_audio(clip["audio"], 16000)[0] for clip in clips]


def sides(sampler, clip):
    """Which of the two is cropped in each frame: 0 left, 1 right."""
    return (sampler.fit([clip]).diagnose([clip])["x"] > 320).astype(int).tolist()


def test_the_larger_face_is_followed(two_faces):
    frames, _ = two_faces
    assert sides(make(n_frames=3), frames) == [0, 0, 0]
    assert sides(make(n_frames=3), frames[:, :, ::-1]) == [1, 1, 1]


def test_no_bystander_stands_in_for_the_person(two_faces):
    frames = two_faces[0][:9].copy()
    frames[4, :, :320] = 127
    fitted = make(n_frames=5, on_no_face="mask").fit([frames])
    assert fitted.diagnose([frames])["found"].tolist() == [True, True, False, True, True]
    assert not fitted.transform([frames])[0, 2].any()


@pytest.mark.parametrize("speaker", [0, 1])
def test_the_face_that_moves_with_the_voice(two_faces, weights, write_video, tmp_path, speaker):
    frames, voices = two_faces
    path = write_video(tmp_path / "two.mkv", frames, sound=voices[speaker][: 16000 * 40 // 25])
    assert sides(make(detector="yunet", n_frames=3, track="voice"), path) == [speaker] * 3


def test_the_voice_decides_only_between_faces(pictures, two_faces, write_video, tmp_path):
    one, two = (write_video(tmp_path / name, clip) for name, clip in (("1.mp4", pictures), ("2.mp4", two_faces[0])))
    fitted = make(track="voice", n_frames=2).fit([one])
    np.testing.assert_array_equal(fitted.transform([one]), make(n_frames=2).fit_transform([one]))
    with pytest.raises(ClipError, match=r"track='voice' listens .*; or use track='largest'"):
        fitted.transform([two])


# ---- frames without a face


@pytest.mark.parametrize("on_no_face", ["carry", "mask"])
def test_a_frame_without_a_face_among_those_aligned_by_the_eyes(pictures, weights, on_no_face):
    gap = pictures.copy()
    gap[2] = 127
    crops = make(detector="yunet", align="eyes", on_no_face=on_no_face).fit_transform([gap])[0]
    found = [make_detector("yunet").detect(picture).landmarks[0] for i, picture in enumerate(pictures) if i != 2]
    if on_no_face == "carry":
        found.insert(2, found[1])
        eyes = steady_eyes(found)
        np.testing.assert_array_equal(crops[2], np.full_like(crops[2], np.float32(127) / 255))
    else:
        eyes = np.insert(steady_eyes(found), 2, 0, axis=0)
        assert not crops[2].any()
    for i in (0, 1, 3, 4, 5):
        np.testing.assert_array_equal(crops[i], align_face(pictures[i], eyes[i], margin=0.1)[0])


@pytest.mark.parametrize("on_no_face", ["carry", "mask", "raise"])
def test_what_a_frame_without_a_face_does(pictures, write_video, tmp_path, on_no_face):
    gap = pictures.copy()
    gap[2] = 127
    path = write_video(tmp_path / "gap.mp4", gap)
    fitted = make(on_no_face=on_no_face, n_frames=len(gap)).fit([path])
    if on_no_face == "raise":
        with pytest.raises(ClipError, match=r"gap.*no face found by 'lbp' at 0\.080 s; .*on_no_face=\"carry\""):
            fitted.transform([path])
        return
    table = fitted.diagnose([path])
    assert table["found"].tolist() == [True, True, False, True, True, True]
    assert table["confidence"].isna().tolist() == (~table["found"]).tolist()
    np.testing.assert_allclose(table["face_share"], 5 / 6)
    crop = fitted.transform([path])[0, 2]
    if on_no_face == "mask":
        assert table.loc[2, ["x", "y", "width", "height"]].isna().all()
        assert not crop.any()
    else:
        assert table.loc[2, "x"] == table.loc[1, "x"]
        np.testing.assert_allclose(crop, 127 / 255, atol=0.02)  # lossy


# ---- what was found


def test_diagnose_has_a_row_for_every_frame(sampler, corpus):
    table = sampler.diagnose(corpus.data.iloc[:2])
    assert list(table) == [
        *("clip_id", "frame", "detector", "time", "found", "x", "y", "width", "height", "confidence", "face_share")
    ]
    assert table["clip_id"].tolist() == ["S1_a01"] * 6 + ["S1_d01"] * 6
    assert table["frame"].tolist() == [*range(6)] * 2
    assert (table["detector"] == "lbp").all()
    assert (table["confidence"] >= 4).all()  # windows that agree
    assert table["found"].all()


def test_a_contact_sheet_shows_the_crops(corpus, pictures, weights, tmp_path):
    fitted = make(detector="yunet", color="gray", n_frames=3).fit(corpus.data)
    figure = fitted.plot_clip(corpus.data, 1)
    assert figure.get_suptitle() == "S1_d01 (yunet)"
    crops, table = fitted.transform(corpus.data.iloc[1:2])[0], fitted.diagnose(corpus.data.iloc[1:2])
    for axes, crop, row in zip(figure.axes, crops, table.itertuples(), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), crop[..., 0])
        assert axes.get_xlabel() == f"{row.time:.2f} s\nscore {row.confidence:.2f}"
        assert axes.lines[0].get_xydata().shape == (5, 2)
    figure.savefig(tmp_path / "sheet.png")
    path = corpus.data["video"].iloc[1]
    assert fitted.plot_clip(path).get_suptitle() == "d1 (yunet)"
    with pytest.raises(IndexError):
        fitted.plot_clip(path, 1)
    gap = pictures[:3].copy()
    gap[1] = 127
    assert fitted.plot_clip([gap]).axes[1].get_xlabel() == "frame 1\nno face"


# ---- weights of one's own


def test_weights_by_path(pictures, weights, monkeypatch, tmp_path):
    own = shutil.copy(weights / "face_detection_yunet_2026may.onnx", tmp_path / "mine.onnx")
    expected = make(detector="yunet").fit_transform([pictures])
    monkeypatch.delenv("SAVEE_MM_WEIGHTS")
    np.testing.assert_array_equal(make(detector="yunet", weights=own).fit_transform([pictures]), expected)


def test_other_weights_at_prediction_are_refused(pictures, weights, tmp_path):
    own = shutil.copy(weights / "face_detection_yunet_2026may.onnx", tmp_path / "mine.onnx")
    fitted = make(detector="yunet", weights=own).fit([pictures])
    with open(own, "ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match=r"weights of 'yunet' in .*mine\.onnx are not those of the fit"):
        fitted.transform([pictures])


def test_weights_need_the_name_of_their_detector(pictures):
    with pytest.raises(ValueError, match="name their detector"):
        make(detector="auto", weights="mine.onnx").fit([pictures])


# ---- parameters


@pytest.mark.parametrize(
    "params",
    [
        {"n_frames": 0},
        {"strategy": "random"},
        {"detector": "mtcnn"},
        {"align": "nose"},
        {"margin": -1},
        {"color": "bgr"},
        {"track": "first"},
        {"on_no_face": "skip"},
        {"size": (64,)},
        {"size": (64, 0)},
    ],
)
def test_a_bad_parameter_is_named(pictures, params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of FaceFrameSampler"):
        make(**params).fit([pictures])
