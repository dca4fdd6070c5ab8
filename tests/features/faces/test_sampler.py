"""FaceFrameSampler: crops of the face, detectors, weights and parameters."""

import shutil

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from savee_mm import ClipError, FaceFrameSampler
from savee_mm.media import read_frames
from savee_mm.vision import align_face, make_detector, steady_eyes


def make(**params):
    return FaceFrameSampler(**{"detector": "lbp", **params})


@pytest.fixture(scope="module")
def sampler(corpus):
    return make().fit(corpus.data)


def turn(frame, degrees):
    """Rotate a frame around its centre, counterclockwise."""
    height, width = frame.shape[:2]
    transform = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(frame, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)


def test_shape_type_and_range(sampler, corpus):
    X = sampler.transform(corpus.data.iloc[:2])
    assert X.shape == (2, 6, 64, 64, 3)
    assert X.dtype == np.float32
    assert 0 <= X.min() < X.max() <= 1


def test_array_of_frames_equals_its_file(sampler, corpus):
    path = corpus.data["video"].iloc[0]
    frames = read_frames(path, 6)[0]
    np.testing.assert_array_equal(sampler.transform([frames]), sampler.transform([path]))


def test_face_is_followed(sampler, corpus):
    """Shifting the frame does not shift the face in the crop."""
    frames = read_frames(corpus.data["video"].iloc[0], 1)[0]
    shifted = np.roll(frames, 20, axis=2)
    still, moved = sampler.transform([frames])[0, 0], sampler.transform([shifted])[0, 0]
    # The windows of the cascade are on a grid, so the boxes agree to a few pixels only.
    assert np.corrcoef(still.ravel(), moved.ravel())[0, 1] > 0.9


def test_frame_without_a_face_uses_the_nearest_box(sampler, frames):
    gap = frames.copy()
    gap[3] = 127
    X, whole = sampler.transform([gap])[0], sampler.transform([frames])[0]
    np.testing.assert_array_equal(np.delete(X, 3, axis=0), np.delete(whole, 3, axis=0))
    np.testing.assert_allclose(X[3], 127 / 255, atol=1e-6)


def test_clip_without_a_face_is_a_clip_error(sampler):
    with pytest.raises(ClipError, match="no face found by 'lbp' in any of 6 frames"):
        sampler.transform([np.full((4, 120, 160, 3), 127, np.uint8)])


def test_sound_file_is_a_clip_error(sampler, corpus):
    with pytest.raises(ClipError, match="S1_a01"):
        sampler.transform(corpus.data.iloc[:1].assign(video=corpus.data["audio"].iloc[0]))


@pytest.mark.parametrize("frames", [np.zeros((4, 32, 32, 3)), np.zeros((4, 32, 32, 1), np.uint8)])
def test_frames_of_another_type_are_a_clip_error(sampler, frames):
    with pytest.raises(ClipError, match="type uint8"):
        sampler.transform([frames])


def test_auto_chooses_a_detector_with_weights(corpus, monkeypatch, shared):
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    assert FaceFrameSampler().fit(corpus.data).detector_ == "lbp"
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    assert FaceFrameSampler().fit(corpus.data).detector_ == "yunet"


def test_missing_weights_at_prediction_are_an_error(corpus, monkeypatch, shared):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    fitted = FaceFrameSampler(cache=None).fit(corpus.data)
    monkeypatch.delenv("SAVEE_MM_WEIGHTS")
    with pytest.raises(FileNotFoundError, match="fetch-weights yunet"):
        fitted.transform(corpus.data.iloc[:1])


@pytest.mark.parametrize("detector", ["yunet", "ssd", "lbp"])
def test_crops_of_real_talking_faces(detector, weights, shared):
    clips = [shared / "data/clips/bbaf2n.mpg", shared / "data/clips/ravdess_01-01-01-01-01-01-01.mp4"]
    X = FaceFrameSampler(detector=detector, n_frames=2).fit_transform(clips)
    assert X.shape == (2, 2, 64, 64, 3)
    # A talking head hardly moves, so two crops of one clip are similar if both show the face.
    for first, last in X:
        assert np.corrcoef(first.ravel(), last.ravel())[0, 1] > 0.7


def test_real_video_without_a_face_is_a_clip_error(weights, shared):
    with pytest.raises(ClipError, match="no face found"):
        FaceFrameSampler(detector="yunet").fit_transform([shared / "data/clips/no_face.mp4"])


# ---- crops


def test_crops_are_aligned_by_the_detected_eyes(frames, weights):
    crops = make(detector="yunet", align="eyes", margin=0.3).fit_transform([frames])[0]
    found = np.stack([make_detector("yunet").detect(frame, refine=False).landmarks[0] for frame in frames])
    for frame, crop, eyes in zip(frames, crops, steady_eyes(found), strict=True):
        # Refined landmarks of an upright face change the crops by less than a degree.
        assert np.corrcoef(crop.ravel(), align_face(frame, eyes, margin=0.3)[0].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("degrees", [-30, -20, -10, 10, 20, 30])
def test_tilted_faces_are_upright_in_crops(weights, degrees):
    """The crop is compared with rotated crops of the upright face."""
    upright = cv2.resize(astronaut()[0:225, 40:440], (1280, 720), interpolation=cv2.INTER_CUBIC)
    options = {"detector": "yunet", "align": "eyes", "n_frames": 1, "size": (96, 96), "margin": 0.3}
    expected, crop = make(**options).fit_transform([upright[np.newaxis], turn(upright, degrees)[np.newaxis]])[:, 0]
    inner = np.s_[16:80, 16:80]
    angles = np.arange(-30, 31)
    similar = [np.corrcoef(turn(expected, angle)[inner].ravel(), crop[inner].ravel())[0, 1] for angle in angles]
    # Detectors err by 2 degrees, and the head of the astronaut itself is tilted, which is corrected in part.
    assert abs(angles[np.argmax(similar)]) <= 6


def test_alignment_by_the_eyes_needs_landmarks(frames):
    with pytest.raises(ValueError, match=r"align='eyes' needs landmarks.*'lbp'.*detector=\"yunet\""):
        make(align="eyes").fit([frames])


def test_margin_enlarges_the_crop_around_the_box(frames):
    tight, wide = (make(margin=margin, size=size).fit([frames]) for margin, size in ((0, (32, 32)), (1, (64, 64))))
    middle = wide.transform([frames])[..., 16:48, 16:48, :]
    # The crops differ by rounding to whole pixels only.
    assert np.corrcoef(middle.ravel(), tight.transform([frames]).ravel())[0, 1] > 0.99
    boxes = ["x", "y", "width", "height"]
    assert wide.diagnose([frames])[boxes].equals(tight.diagnose([frames])[boxes])


def test_gray_is_the_luma_of_rgb(frames):
    grey = make(color="gray").fit_transform([frames])
    assert grey.shape == (1, 6, 64, 64, 1)
    luma = make().fit_transform([frames]) @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    np.testing.assert_allclose(grey[..., 0], luma, atol=1e-6)


def test_cache_distinguishes_parameters(frames, tmp_path):
    first = make(cache=tmp_path).fit_transform([frames])
    np.testing.assert_array_equal(make(cache=tmp_path).fit_transform([frames]), first)
    assert not np.array_equal(make(cache=tmp_path, margin=0.5).fit_transform([frames]), first)
    assert make(cache=tmp_path, n_frames=2).fit_transform([frames]).shape[1] == 2


# ---- frames without a face


def test_frame_without_a_face_uses_the_eyes_of_the_nearest(frames, weights):
    gap, repeated = frames.copy(), frames.copy()
    gap[2], repeated[2] = 127, frames[1]
    crops, expected = make(detector="yunet", align="eyes").fit_transform([gap, repeated])
    np.testing.assert_array_equal(np.delete(crops, 2, axis=0), np.delete(expected, 2, axis=0))
    np.testing.assert_array_equal(crops[2], np.full_like(crops[2], np.float32(127) / 255))


def test_masked_frame_does_not_change_the_alignment_of_others(frames, weights):
    gap = frames.copy()
    gap[2] = 127
    crops = make(detector="yunet", align="eyes", on_no_face="mask").fit_transform([gap])[0]
    others = make(detector="yunet", align="eyes", n_frames=5).fit_transform([np.delete(frames, 2, axis=0)])[0]
    np.testing.assert_array_equal(np.delete(crops, 2, axis=0), others)
    assert not crops[2].any()


@pytest.mark.parametrize("on_no_face", ["carry", "mask", "raise"])
def test_on_no_face(frames, write_video, tmp_path, on_no_face):
    gap = frames.copy()
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
        np.testing.assert_allclose(crop, 127 / 255, atol=0.02)  # lossy codec


# ---- diagnosis and plot


def test_diagnose_has_a_row_for_each_frame(sampler, corpus):
    table = sampler.diagnose(corpus.data.iloc[:2])
    assert list(table) == [
        *("clip_id", "frame", "detector", "time", "found", "x", "y", "width", "height", "confidence", "face_share")
    ]
    assert table["clip_id"].tolist() == ["S1_a01"] * 6 + ["S1_d01"] * 6
    assert table["frame"].tolist() == [*range(6)] * 2
    assert (table["detector"] == "lbp").all()
    assert (table["confidence"] >= 4).all()  # number of overlapping windows
    assert table["found"].all()


def test_plot_clip_shows_crops_times_and_scores(corpus, frames, weights, tmp_path):
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
    gap = frames[:3].copy()
    gap[1] = 127
    assert fitted.plot_clip([gap]).axes[1].get_xlabel() == "frame 1\nno face"


# ---- weights


def test_weights_can_be_a_path(frames, weights, monkeypatch, tmp_path):
    own = shutil.copy(weights / "face_detection_yunet_2026may.onnx", tmp_path / "mine.onnx")
    expected = make(detector="yunet").fit_transform([frames])
    monkeypatch.delenv("SAVEE_MM_WEIGHTS")
    np.testing.assert_array_equal(make(detector="yunet", weights=own).fit_transform([frames]), expected)


def test_other_weights_at_prediction_are_an_error(frames, weights, tmp_path):
    own = shutil.copy(weights / "face_detection_yunet_2026may.onnx", tmp_path / "mine.onnx")
    fitted = make(detector="yunet", weights=own).fit([frames])
    with open(own, "ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match=r"weights of 'yunet' in .*mine\.onnx are not those of the fit"):
        fitted.transform([frames])


def test_weights_without_their_detector_are_an_error(frames):
    with pytest.raises(ValueError, match="name their detector"):
        make(detector="auto", weights="mine.onnx").fit([frames])


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
def test_bad_parameter_is_an_error_that_names_it(frames, params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of FaceFrameSampler"):
        make(**params).fit([frames])
