"""Face detectors: one interface, correct boxes, no false detections, weights by name and by path. OpenCV 4 and 5."""

import pickle
import shutil
import struct
import sys
import threading

import cv2
import numpy as np
import pytest

from savee_mm.media import read_frames
from savee_mm.vision import available_detectors, choose_face, detector_files, make_detector, resolve_detector
from savee_mm.vision.align import eye_angle
from savee_mm.vision.lbp import LBPDetector, merge_windows

HAS_CAFFE = hasattr(cv2.dnn, "readNetFromCaffe")
HAS_TENSORFLOW = hasattr(cv2.dnn, "readNetFromTensorflow")
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="OpenCV 5.1 cannot read TensorFlow files")
NAMES = ["yunet", pytest.param("ssd", marks=needs_tensorflow), "lbp"]
# The only output of the Caffe network below: class, score, and the corners relative to the size of the image.
OUTPUT = [0, 1, 0.875, 0.25, 0.125, 0.75, 0.5]
PROTOTXT = """
name: "one face"
input: "data"
input_shape { dim: 1 dim: 3 dim: 300 dim: 300 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE global_pooling: true } }
layer { name: "out" type: "InnerProduct" bottom: "pool" top: "out" inner_product_param { num_output: 7 } }
"""


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
    """Return an image of scikit-image: head and shoulders of Eileen Collins, NASA, public domain."""
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


# The face between brows and chin, measured by hand on the image (pixels): x, y, width, height.
ASTRONAUT = np.array([178.0, 65, 90, 105])


@pytest.mark.parametrize("name", NAMES)
def test_face_of_the_astronaut(weights, name):
    faces = make_detector(name).detect(astronaut())
    assert faces.boxes.shape == (1, 4)
    assert faces.scores.shape == (1,)
    assert overlap(faces.boxes[0], ASTRONAUT) > 0.6


def test_without_weights_auto_is_the_cascade(monkeypatch, tmp_path):
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("SAVEE_MM_WEIGHTS", folder)
        assert available_detectors() == ["lbp"]
        assert resolve_detector("auto") == "lbp"
    faces = make_detector("auto").detect(astronaut())
    assert len(faces) == 1
    assert faces.landmarks is None
    assert overlap(faces.boxes[0], ASTRONAUT) > 0.6


def test_cascade_without_scikit_image_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)  # importing it raises ImportError
    with pytest.raises(ImportError, match="pip install scikit-image"):
        LBPDetector(threshold=4)


@pytest.mark.parametrize("name", ["yunet", "ssd"])
def test_error_of_missing_weights_has_the_remedy(monkeypatch, tmp_path, name):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"savee-mm fetch-weights {name}"):
        make_detector(name)


@needs_tensorflow
def test_auto_is_the_best_available(weights, tmp_path, monkeypatch):
    assert available_detectors() == ["yunet", "ssd", "lbp"]
    assert resolve_detector("auto") == "yunet"
    for path in weights.glob("opencv_face_detector*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    assert available_detectors() == ["ssd", "lbp"]
    assert resolve_detector("auto") == "ssd"


@pytest.mark.parametrize("name", ["mtcnn", "", "SSD"])
def test_error_of_an_unknown_name_lists_the_choices(name):
    with pytest.raises(ValueError, match="'auto', 'yunet', 'ssd', 'lbp'"):
        make_detector(name)


@pytest.mark.parametrize(
    ("name", "filenames"),
    [
        ("yunet", ["face_detection_yunet_2026may.onnx"]),
        pytest.param("ssd", ["opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt"], marks=needs_tensorflow),
    ],
)
def test_weights_that_opencv_cannot_read(monkeypatch, tmp_path, name, filenames):
    for filename in filenames:
        (tmp_path / filename).write_bytes(b"not a network " * 100)
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
def test_bad_images(weights, name):
    detector = make_detector(name)
    for bad in (np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3)), np.zeros((0, 20, 3), np.uint8)):
        with pytest.raises(ValueError, match="image of shape"):
            detector.detect(bad)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (23, 23), (240, 320), (33, 1500)])
def test_no_face_in_a_blank_image_of_any_shape(weights, name, shape):
    faces = make_detector(name).detect(np.full((*shape, 3), 128, np.uint8))
    assert len(faces) == 0
    assert faces.boxes.shape == (0, 4)
    assert choose_face(faces, shape) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("filename", ["no-face.jpg", "no_face.mp4"])
def test_no_face_where_there_is_none(weights, clips, name, filename):
    assert len(make_detector(name).detect(middle_frame(clips / filename))) == 0


@pytest.mark.parametrize("name", NAMES[:2])
def test_several_faces(weights, clips, name):
    faces = make_detector(name).detect(middle_frame(clips / "multi_face.jpg"))
    assert len(faces) == 5
    assert (np.diff(faces.scores) <= 0).all()


@needs_tensorflow
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
def test_boxes_are_in_the_pixels_of_the_image(weights, clips, name):
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


def turn(image, degrees):
    """Rotate an image clockwise around its centre."""
    height, width = image.shape[:2]
    transform = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return cv2.warpAffine(image, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("scale", [1, 3])
def test_landmarks_follow_a_tilt_of_the_head(weights, scale):
    """The face is small in the frame, or fills much of it."""
    face = astronaut()[0:225, 110:336]
    image = cv2.resize(face if scale == 3 else np.pad(face, ((200, 200), (300, 300), (0, 0)), "edge"), None, fx=2, fy=2)
    detector = make_detector("yunet")
    upright = np.rad2deg(eye_angle(detector.detect(image).landmarks[0]))
    for degrees in (-30, -20, -10, 10, 20, 30):
        tilt = np.rad2deg(eye_angle(detector.detect(turn(image, degrees)).landmarks[0]))
        assert tilt - upright == pytest.approx(degrees, abs=4)


def test_refined_landmarks_of_one_face_are_those_of_detect(weights, clips):
    image = middle_frame(clips / "multi_face.jpg")
    detector = make_detector("yunet")
    fast, exact = detector.detect(image, refine=False), detector.detect(image)
    np.testing.assert_array_equal(exact.boxes, fast.boxes)
    np.testing.assert_array_equal(exact.landmarks[2], detector.refine(image, fast, 2))
    assert not np.array_equal(exact.landmarks, fast.landmarks)


@pytest.mark.parametrize("name", NAMES)
def test_image_is_not_changed(weights, name):
    image = astronaut()
    make_detector(name).detect(image)
    np.testing.assert_array_equal(image, astronaut())


def test_yunet_input_has_the_channel_order_of_opencv(weights, clips):
    image = middle_frame(clips / "bbaf2n.mpg")
    network = cv2.FaceDetectorYN.create(str(weights / "face_detection_yunet_2026may.onnx"), "", (360, 288))
    _, expected = network.detect(image[..., ::-1].copy())
    faces = make_detector("yunet").detect(image)
    np.testing.assert_allclose(faces.boxes, expected[:, :4], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, expected[:, 14], atol=1e-5)


def test_yunet_finds_small_faces_at_a_larger_size(weights, clips):
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
def test_boxes_without_landmarks_are_similar(weights, clips, name):
    detector = make_detector(name)
    for path in [*sorted(clips.glob("*.mpg")), *sorted(clips.glob("ravdess*.mp4")), clips / "single_face.jpg"]:
        image = middle_frame(path)
        faces = detector.detect(image, landmarks=False)
        box = faces.boxes[choose_face(faces, image.shape)]
        if name == "yunet":
            assert overlap(box, chosen_box(name, image)) > 0.8, path  # the image at two sizes
            assert not np.array_equal(box, chosen_box(name, image)), path
        else:
            np.testing.assert_array_equal(box, chosen_box(name, image))


@needs_tensorflow
def test_ssd_input_has_the_channel_order_of_opencv(weights, clips):
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
def test_threads_can_share_a_detector(weights, clips, name):
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


# ---- weights by path


@pytest.fixture
def store(shared, monkeypatch):
    """Return a folder of weights that is not the weights folder of the library."""
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    return shared / "models"


def field(number, content):
    """Write one length-delimited field of a protocol buffer."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def blob(values, shape):
    """Write a BlobProto: data (field 5) and shape (field 7)."""
    return field(5, struct.pack(f"<{len(values)}f", *values)) + field(7, field(1, b"".join(map(varint, shape))))


def write_caffe(folder):
    """Write a network of one layer that returns its bias, in the format of caffe.proto: net, layer, blobs."""
    layer = field(1, b"out") + field(2, b"InnerProduct")
    layer += field(7, blob([0.0] * 21, (7, 3))) + field(7, blob(OUTPUT, (7,)))
    (folder / "net.caffemodel").write_bytes(field(1, b"one face") + field(100, layer))
    (folder / "net.prototxt").write_text(PROTOTXT)
    return folder / "net.caffemodel", folder / "net.prototxt"


def test_weights_by_path(store, tmp_path):
    path = shutil.copy(store / "face_detection_yunet_2026may.onnx", tmp_path / "mine.onnx")
    with pytest.raises(FileNotFoundError, match="SAVEE_MM_WEIGHTS"):
        make_detector("yunet")
    detector = make_detector("yunet", path)
    assert len(detector.detect(astronaut())) == 1
    assert pickle.loads(pickle.dumps(detector)) is detector
    assert detector_files("yunet", str(path)) == (path,)


@needs_tensorflow
def test_weights_of_two_files(store, tmp_path):
    paths = [
        shutil.copy(store / name, tmp_path / f"mine{name[-6:]}")
        for name in ("opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt")
    ]
    assert len(make_detector("ssd", paths).detect(astronaut())) == 1


@pytest.mark.skipif(not HAS_CAFFE, reason="OpenCV 5 cannot read Caffe files")
def test_caffe_files_in_opencv_4(tmp_path):
    faces = make_detector("ssd", write_caffe(tmp_path)).detect(np.zeros((80, 200, 3), np.uint8))
    np.testing.assert_allclose(faces.boxes, [[50, 10, 100, 30]], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, [0.875], atol=1e-6)


@pytest.mark.skipif(HAS_CAFFE, reason="OpenCV 4 can read Caffe files")
def test_caffe_files_in_opencv_5_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read Caffe files.*opencv-python<5"):
        make_detector("ssd", write_caffe(tmp_path))


def write_onnx(path, *outputs):
    """Write a network that returns constants."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shapes = [[1, 3, 300, 300], *[output.shape for output in outputs]]
    nodes, constants = [helper.make_node("GlobalAveragePool", ["data"], ["mean"])], [np.zeros(1, np.float32)]
    nodes += [helper.make_node("Mul", ["mean", "c0"], ["zeros"])]
    nodes += [helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0)]
    for i, output in enumerate(outputs, start=1):
        constants.append(np.asarray(output, np.float32))
        nodes.append(helper.make_node("Add", [f"c{i}", "zero"], [f"output{i}"]))
    names = ["data", *[f"output{i}" for i in range(1, len(shapes))]]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes, strict=True)]
    stored = [numpy_helper.from_array(constant, f"c{i}") for i, constant in enumerate(constants)]
    graph = helper.make_graph(nodes, "constants", ports[:1], ports[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_ssd_as_onnx_with_rows(tmp_path):
    rows = np.float32([[OUTPUT, [0, 1, 0.2, 0, 0, 1, 1]]])[np.newaxis]
    faces = make_detector("ssd", write_onnx(tmp_path / "rows.onnx", rows)).detect(np.zeros((80, 200, 3), np.uint8))
    np.testing.assert_allclose(faces.boxes, [[50, 10, 100, 30]], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, [0.875], atol=1e-6)


def test_ssd_as_onnx_with_scores_and_corners(tmp_path):
    corners = np.float32([[[0.1, 0.1, 0.3, 0.5], [0.5, 0.25, 1, 0.75], [0.51, 0.25, 1, 0.75], [0, 0, 1, 1]]])
    scores = np.float32([[[0.3, 0.7], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]]])
    detector = make_detector("ssd", write_onnx(tmp_path / "two.onnx", corners, scores))
    faces = detector.detect(np.zeros((80, 200, 3), np.uint8))
    # The third box overlaps the second, the last one is below the threshold.
    np.testing.assert_allclose(faces.boxes, [[100, 20, 100, 40], [20, 8, 40, 32]], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, [0.9, 0.7], atol=1e-6)


def test_opencv_without_a_reader_of_tensorflow(weights, monkeypatch):
    """OpenCV 5.1 has none."""
    monkeypatch.delattr(cv2.dnn, "readNetFromTensorflow", raising=False)
    assert available_detectors() == ["yunet", "lbp"]
    with pytest.raises(ValueError, match=r"cannot read TensorFlow files.*'yunet'.*as \.onnx.*opencv-python<5\.1"):
        make_detector("ssd", [weights / f"opencv_face_detector{suffix}" for suffix in ("_uint8.pb", ".pbtxt")])


@pytest.mark.parametrize(
    ("name", "weights", "match"),
    [
        ("lbp", "any.xml", "takes no weights"),
        ("ssd", "one.pb", r"expects a network \(.pb\) and its description \(.pbtxt\)"),
        ("yunet", ["one.onnx", "two.onnx"], "expects one file"),
    ],
)
def test_wrong_number_of_weights_files(name, weights, match):
    with pytest.raises(ValueError, match=match):
        make_detector(name, weights)


def test_missing_weights_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx"):
        make_detector("yunet", tmp_path / "missing.onnx")
