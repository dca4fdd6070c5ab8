"""Detectors from files of one's own: by path, for OpenCV 4 in Caffe's form too."""

import pickle
import shutil
import struct

import cv2
import numpy as np
import pytest

from savee_mm.vision import detector_files, make_detector

HAS_CAFFE = hasattr(cv2.dnn, "readNetFromCaffe")
# The only face that the network below knows: class, score, and the corners as shares of the picture.
ANSWER = [0, 1, 0.875, 0.25, 0.125, 0.75, 0.5]
PROTOTXT = """
name: "one answer"
input: "data"
input_shape { dim: 1 dim: 3 dim: 300 dim: 300 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE global_pooling: true } }
layer { name: "out" type: "InnerProduct" bottom: "pool" top: "out" inner_product_param { num_output: 7 } }
"""


@pytest.fixture
def store(shared, monkeypatch):
    """The folder of weights, which is not where the library looks for them."""
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    return shared / "models"


def astronaut():
    from skimage import data

    return data.astronaut()


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
    """Write a network of one layer, whose answer is its bias, as caffe.proto has it: net, layer, blobs."""
    layer = field(1, b"out") + field(2, b"InnerProduct")
    layer += field(7, blob([0.0] * 21, (7, 3))) + field(7, blob(ANSWER, (7,)))
    (folder / "net.caffemodel").write_bytes(field(1, b"one answer") + field(100, layer))
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


def test_weights_of_two_files(store, tmp_path):
    paths = [
        shutil.copy(store / name, tmp_path / f"mine{name[-6:]}")
        for name in ("opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt")
    ]
    assert len(make_detector("ssd", paths).detect(astronaut())) == 1


@pytest.mark.skipif(not HAS_CAFFE, reason="OpenCV 5 reads no Caffe files")
def test_caffe_files_in_opencv_4(tmp_path):
    faces = make_detector("ssd", write_caffe(tmp_path)).detect(np.zeros((80, 200, 3), np.uint8))
    np.testing.assert_allclose(faces.boxes, [[50, 10, 100, 30]], atol=1e-3)  # float32
    np.testing.assert_allclose(faces.scores, [0.875], atol=1e-6)


@pytest.mark.skipif(HAS_CAFFE, reason="OpenCV 4 reads Caffe files")
def test_caffe_files_in_opencv_5_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read Caffe files.*opencv-python<5"):
        make_detector("ssd", write_caffe(tmp_path))


@pytest.mark.parametrize(
    ("name", "weights", "match"),
    [
        ("lbp", "any.xml", "takes no weights"),
        ("ssd", "one.pb", r"expects a network \(.pb\) and its description \(.pbtxt\)"),
        ("yunet", ["one.onnx", "two.onnx"], "expects one file"),
    ],
)
def test_files_that_do_not_fit_the_detector(name, weights, match):
    with pytest.raises(ValueError, match=match):
        make_detector(name, weights)


def test_a_path_to_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        make_detector("yunet", tmp_path / "nowhere.onnx")
