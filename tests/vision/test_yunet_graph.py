"""YuNet in onnxruntime finds the faces that OpenCV's FaceDetectorYN finds."""

import sys

import cv2
import numpy as np
import pytest

from savee_mm.media import read_frames
from savee_mm.vision import yunet
from savee_mm.vision._yunet_graph import YuNetGraph

MODEL = "face_detection_yunet_2026may.onnx"


@pytest.fixture(scope="module")
def detectors(shared):
    """Return the two functions that find faces in a BGR image, with OpenCV and with onnxruntime."""
    model, threshold = shared / "models" / MODEL, 0.6
    graph = YuNetGraph(model, threshold, yunet._NMS_THRESHOLD, yunet._TOP_K)
    return yunet._opencv_detect(model, threshold), graph.detect


@pytest.mark.parametrize("shape", [(288, 360), (131, 171), (576, 720)])
@pytest.mark.parametrize("filename", ["bbaf2n.mpg", "ravdess_01-01-01-01-01-01-01.mp4", "single_face.mp4"])
def test_faces_are_those_of_opencv(detectors, shared, filename, shape):
    frame = read_frames(shared / "data/clips" / filename, 3)[0][1]
    image = cv2.resize(frame, shape[::-1], interpolation=cv2.INTER_AREA)[..., ::-1].copy()
    expected, faces = (detect(image) for detect in detectors)
    assert len(expected)
    np.testing.assert_allclose(faces, expected, atol=1e-3)  # pixels, of float32


def test_several_faces_are_those_of_opencv(detectors, shared):
    frame = read_frames(shared / "data/clips/bbaf2n.mpg", 3)[0][1]
    image = np.tile(cv2.resize(frame, (160, 128), interpolation=cv2.INTER_AREA), (3, 4, 1))[..., ::-1].copy()
    expected, faces = (detect(image) for detect in detectors)
    assert len(expected) >= 12
    order = [np.lexsort(found[:, :2].round(1).T) for found in (faces, expected)]
    np.testing.assert_allclose(faces[order[0]], expected[order[1]], atol=1e-3)


def test_no_face_in_noise(detectors):
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    assert [detect(image).shape for detect in detectors] == [(0, 15), (0, 15)]


def test_file_that_is_no_network(tmp_path):
    (tmp_path / MODEL).write_bytes(b"not a network")
    with pytest.raises(ValueError, match="onnxruntime cannot read"):
        YuNetGraph(tmp_path / MODEL, 0.6, 0.3, 200)


def test_without_onnxruntime_opencv_runs_the_network(shared, monkeypatch):
    model, image = shared / "models" / MODEL, read_frames(shared / "data/clips/bbaf2n.mpg", 3)[0][1]
    faces = yunet.YuNetDetector(model, threshold=0.6).detect(image)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    others = yunet.YuNetDetector(model, threshold=0.6)
    assert not isinstance(getattr(others._detect, "__self__", None), YuNetGraph)
    np.testing.assert_allclose(others.detect(image).landmarks, faces.landmarks, atol=1e-2)  # refined in a crop
