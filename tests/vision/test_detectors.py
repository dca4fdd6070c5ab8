"""The face detectors: one interface, faces found where they are, none where there is none. OpenCV 4 and 5."""

import pickle
import shutil
import threading

import cv2
import numpy as np
import pytest

from savee_mm.media import read_frames
from savee_mm.vision import available_detectors, choose_face, make_detector, resolve_detector
from savee_mm.vision.lbp import merge_windows

NAMES = ["yunet", "ssd", "lbp"]


@pytest.fixture
def weights(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    return shared / "models"


@pytest.fixture
def clips(shared):
    return shared / "data/clips"


def middle_frame(path):
    return read_frames(path, 3)[0][1]


def astronaut():
    """A face that ships with scikit-image: head and shoulders of Eileen Collins, NASA, public domain."""
    from skimage import data

    return data.astronaut()


def overlap(a, b):
    """Intersection over union of two boxes."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    shared_area = np.clip(high - low, 0, None).prod()
    return shared_area / (a[2:].prod() + b[2:].prod() - shared_area)


def chosen_box(name, image):
    faces = make_detector(name).detect(image)
    index = choose_face(faces, image.shape)
    return None if index is None else faces.boxes[index]


# The face between brows and chin, measured by hand on the picture (pixels): x, y, width, height.
ASTRONAUT = np.array([178.0, 65, 90, 105])


@pytest.mark.parametrize("name", NAMES)
def test_the_astronaut(weights, name):
    faces = make_detector(name).detect(astronaut())
    assert faces.boxes.shape == (1, 4)
    assert faces.scores.shape == (1,)
    assert overlap(faces.boxes[0], ASTRONAUT) > 0.6


def test_without_weights_there_is_the_cascade(monkeypatch, tmp_path):
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("SAVEE_MM_WEIGHTS", folder)
        assert available_detectors() == ["lbp"]
        assert resolve_detector("auto") == "lbp"
    faces = make_detector("auto").detect(astronaut())
    assert len(faces) == 1
    assert faces.landmarks is None
    assert overlap(faces.boxes[0], ASTRONAUT) > 0.6


@pytest.mark.parametrize("name", ["yunet", "ssd"])
def test_missing_weights_say_how_to_get_them(monkeypatch, tmp_path, name):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"savee-mm fetch-weights {name}"):
        make_detector(name)


def test_auto_takes_the_best_that_is_there(weights, tmp_path, monkeypatch):
    assert available_detectors() == NAMES
    assert resolve_detector("auto") == "yunet"
    for path in weights.glob("opencv_face_detector*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    assert available_detectors() == ["ssd", "lbp"]
    assert resolve_detector("auto") == "ssd"


@pytest.mark.parametrize("name", ["mtcnn", "", "SSD"])
def test_an_unknown_name_lists_the_choices(name):
    with pytest.raises(ValueError, match="'auto', 'yunet', 'ssd', 'lbp'"):
        make_detector(name)


@pytest.mark.parametrize(
    ("name", "filenames"),
    [
        ("yunet", ["face_detection_yunet_2026may.onnx"]),
        ("ssd", ["opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt"]),
    ],
)
def test_weights_that_opencv_cannot_read(monkeypatch, tmp_path, name, filenames):
    for filename in filenames:
        (tmp_path / filename).write_bytes(b"no network " * 100)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(ValueError, match=r"cannot read the weights .* fetch them again"):
        make_detector(name)


@pytest.mark.parametrize("name", NAMES)
def test_built_once_and_pickled_by_name(weights, name):
    detector = make_detector(name)
    assert make_detector(name) is detector
    assert pickle.loads(pickle.dumps(detector)) is detector
    assert len(pickle.dumps(detector)) < 200
    assert name == detector.name


@pytest.mark.parametrize("name", NAMES)
def test_bad_pictures(weights, name):
    detector = make_detector(name)
    for bad in (np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3)), np.zeros((0, 20, 3), np.uint8)):
        with pytest.raises(ValueError, match="image of shape"):
            detector.detect(bad)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (23, 23), (240, 320), (33, 1500)])
def test_nobody_in_a_blank_picture_of_any_shape(weights, name, shape):
    faces = make_detector(name).detect(np.full((*shape, 3), 128, np.uint8))
    assert len(faces) == 0
    assert faces.boxes.shape == (0, 4)
    assert choose_face(faces, shape) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("filename", ["no-face.jpg", "no_face.mp4"])
def test_no_face_where_there_is_none(weights, clips, name, filename):
    assert len(make_detector(name).detect(middle_frame(clips / filename))) == 0


@pytest.mark.parametrize("name", ["yunet", "ssd"])
def test_several_faces(weights, clips, name):
    faces = make_detector(name).detect(middle_frame(clips / "multi_face.jpg"))
    assert len(faces) == 5
    assert (np.diff(faces.scores) <= 0).all()


def test_detectors_agree_on_real_talking_faces(weights, clips, shared):
    videos = [*sorted(clips.glob("*.mpg")), clips / "single_face.mp4", *sorted(clips.glob("ravdess*.mp4"))]
    videos += sorted((shared / "data/savee_chimera/AudioVisualClip").glob("*/h1.avi"))
    assert len(videos) == 9
    for path in videos:
        image = middle_frame(path)
        reference = chosen_box("yunet", image)
        assert overlap(chosen_box("ssd", image), reference) > 0.8, path
        # The cascade answers with a square, which holds more cheek.
        assert overlap(chosen_box("lbp", image), reference) > 0.55, path
        assert len(make_detector("lbp").detect(image)) == 1, path


@pytest.mark.parametrize("name", NAMES)
def test_boxes_are_in_the_pixels_of_the_picture(weights, clips, name):
    image = middle_frame(clips / "single_face.jpg")
    box = chosen_box(name, image)
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    assert overlap(chosen_box(name, large) / 2, box) > 0.85  # what a second scaling of the same face may shift
    wider = np.pad(image, ((0, 0), (200, 0), (0, 0)), mode="edge")
    assert overlap(chosen_box(name, wider) - (200, 0, 0, 0), box) > 0.75


def test_landmarks_are_of_the_person(weights, clips):
    faces = make_detector("yunet").detect(middle_frame(clips / "bbaf2n.mpg"))
    right_eye, left_eye, nose, right_mouth, left_mouth = faces.landmarks[0]
    # A person who faces us has the right eye on our left.
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    x, y, width, height = faces.boxes[0]
    assert (faces.landmarks[0] > (x, y)).all()
    assert (faces.landmarks[0] < (x + width, y + height)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_left_as_it_was(weights, name):
    image = astronaut()
    make_detector(name).detect(image)
    np.testing.assert_array_equal(image, astronaut())


def test_yunet_gets_the_colours_in_opencv_order(weights, clips):
    image = middle_frame(clips / "bbaf2n.mpg")
    network = cv2.FaceDetectorYN.create(str(weights / "face_detection_yunet_2026may.onnx"), "", (360, 288))
    _, expected = network.detect(image[..., ::-1].copy())
    faces = make_detector("yunet").detect(image)
    np.testing.assert_allclose(faces.boxes, expected[:, :4], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, expected[:, 14], atol=1e-5)


def test_yunet_looks_closer_for_small_faces(weights, clips):
    close = middle_frame(clips / "ravdess_01-01-01-01-01-01-01.mp4")
    far = np.full((720, 1280, 3), 128, np.uint8)
    far[100:280, 900:1220] = cv2.resize(close, (320, 180), interpolation=cv2.INTER_AREA)
    detector = make_detector("yunet")
    expected = detector.detect(close).boxes[0]
    assert overlap(detector.detect(far).boxes[0], expected / 4 + (900, 100, 0, 0)) > 0.8
    network = cv2.FaceDetectorYN.create(str(weights / "face_detection_yunet_2026may.onnx"), "", (640, 360))
    _, closer = network.detect(cv2.resize(close, (640, 360), interpolation=cv2.INTER_AREA)[..., ::-1].copy())
    assert overlap(expected, 2 * closer[0, :4]) > 0.85


@pytest.mark.parametrize("name", NAMES)
def test_boxes_without_landmarks_are_nearly_the_same(weights, clips, name):
    detector = make_detector(name)
    for path in [*sorted(clips.glob("*.mpg")), *sorted(clips.glob("ravdess*.mp4")), clips / "single_face.jpg"]:
        image = middle_frame(path)
        faces = detector.detect(image, landmarks=False)
        box = faces.boxes[choose_face(faces, image.shape)]
        if name == "yunet":
            assert overlap(box, chosen_box(name, image)) > 0.8, path  # two sizes of one picture
            assert not np.array_equal(box, chosen_box(name, image)), path
        else:
            np.testing.assert_array_equal(box, chosen_box(name, image))


def test_ssd_gets_the_colours_in_opencv_order(weights, clips):
    image = middle_frame(clips / "single_face.mp4")
    files = [str(weights / f"opencv_face_detector{suffix}") for suffix in ("_uint8.pb", ".pbtxt")]
    network = cv2.dnn.readNetFromTensorflow(*files)
    bgr = cv2.resize(image[..., ::-1].copy(), (300, 300)).astype(np.float32) - (104, 177, 123)
    network.setInput(bgr.transpose(2, 0, 1)[None].astype(np.float32))
    best = network.forward()[0, 0, 0]
    faces = make_detector("ssd").detect(image)
    left, top, width, height = faces.boxes[0]
    corners = [left / 640, top / 360, (left + width) / 640, (top + height) / 360]
    np.testing.assert_allclose(corners, best[3:], atol=1e-4)  # float32
    np.testing.assert_allclose(faces.scores[0], best[2], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_threads_may_share_a_detector(weights, clips, name):
    images = [middle_frame(clips / "bbaf2n.mpg"), astronaut()]
    expected = [make_detector(name).detect(image).boxes for image in images]
    found = {}

    def run(i):
        found[i] = [make_detector(name).detect(images[i]).boxes for _ in range(3)]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(2):
        for boxes in found[i]:
            np.testing.assert_array_equal(boxes, expected[i])


def test_merge_windows():
    face = np.array([[10, 10, 40, 40], [12, 10, 40, 40], [11, 13, 40, 40]], dtype=float)
    other = np.array([[200, 50, 30, 30]], dtype=float)
    mouth = np.array([[22, 34, 14, 14]], dtype=float)
    boxes, votes = merge_windows(np.vstack([other, face, mouth]))
    np.testing.assert_allclose(boxes, [[11, 11, 40, 40], [200, 50, 30, 30]])
    np.testing.assert_array_equal(votes, [3, 1])
    boxes, votes = merge_windows(np.empty((0, 4)))
    assert (boxes.shape, votes.shape) == ((0, 4), (0,))
