"""Drawn faces: found by all detectors, for several identities and all expressions."""

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.feature import Cascade

from savee_mm.datasets.synthetic import FaceExpression, FacePose, draw_face, random_identity

EXPRESSIONS = {
    "neutral": FaceExpression(),
    "anger": FaceExpression(frown=1.0, squint=0.5, lip_press=0.8, teeth=0.5, smile=-0.3),
    "disgust": FaceExpression(nose_wrinkle=1.0, upper_lip_raise=1.0, frown=0.5, squint=0.5),
    "fear": FaceExpression(brow_raise=0.6, inner_brow_raise=0.8, frown=0.4, eye_widen=1.0, mouth_stretch=0.9),
    "happiness": FaceExpression(smile=1.1, squint=0.6, teeth=0.6),
    "sadness": FaceExpression(inner_brow_raise=1.0, smile=-1.0, squint=0.2),
    "surprise": FaceExpression(brow_raise=1.0, eye_widen=1.0, mouth_open=1.1),
}


def gallery(n_identities):
    """Yield images of several people with all expressions, with random pose, light and noise."""
    for i in range(n_identities):
        rng = np.random.default_rng(100 + i)
        identity = random_identity(rng)
        for expression in EXPRESSIONS.values():
            x, y, roll, yaw, pitch = rng.normal(0, [0.05, 0.05, 0.03, 0.2, 0.2])
            light = {"light_x": rng.uniform(-0.5, 0.5), "light_y": rng.uniform(-0.6, -0.1)}
            pose = FacePose(x, y, roll, yaw, pitch, rng.uniform(0.92, 1.08), **light)
            noise = rng.normal(0, 2, (256, 320, 1))
            yield np.clip(draw_face(identity, expression, pose) + noise, 0, 255).astype(np.uint8)


def test_lbp_cascade_finds_every_face():
    cascade = Cascade(data.lbp_frontal_face_cascade_filename())
    for image in gallery(4):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        boxes = cascade.detect_multi_scale(
            img=grey, scale_factor=1.2, step_ratio=1, min_size=(60, 60), max_size=(250, 250)
        )
        assert boxes
        largest = max(boxes, key=lambda box: box["width"])
        # The centre of the drawn face is at most 10 pixels from the centre of the image.
        assert largest["c"] + largest["width"] / 2 == pytest.approx(160, abs=25)
        assert largest["r"] + largest["height"] / 2 == pytest.approx(135, abs=25)
        assert 100 < largest["width"] < 180


def test_resnet_ssd_finds_every_face(shared):
    folder = shared / "models"
    net = cv2.dnn.readNetFromTensorflow(
        str(folder / "opencv_face_detector_uint8.pb"), str(folder / "opencv_face_detector.pbtxt")
    )
    confidences = []
    for image in gallery(4):
        net.setInput(cv2.dnn.blobFromImage(image[:, :, ::-1].copy(), 1.0, (300, 300), (104, 177, 123)))
        confidences.append(net.forward()[0, 0, :, 2].max())
    assert min(confidences) > 0.9


def test_yunet_finds_every_face_and_its_landmarks(shared):
    model = str(shared / "models" / "face_detection_yunet_2026may.onnx")
    detector = cv2.FaceDetectorYN.create(model, "", (320, 256), 0.6)
    for image in gallery(4):
        _, faces = detector.detect(image[:, :, ::-1].copy())
        assert faces is not None
        assert len(faces) == 1
        right_eye, left_eye, nose, *mouth = faces[0, 4:14].reshape(5, 2)
        assert right_eye[0] < nose[0] < left_eye[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth[0][1], mouth[1][1])


def test_default_is_an_average_face_at_rest():
    image = draw_face()
    assert image.shape == (256, 320, 3)
    assert image.dtype == np.uint8
    # Skin has more red than green, and more green than blue: the channels are RGB.
    red, green, blue = image[150, 160].astype(int)
    assert red > green > blue
    np.testing.assert_array_equal(image, draw_face())


def test_size_does_not_change_the_face():
    small, large = draw_face(height=128, width=160), draw_face(height=512, width=640)
    assert small.shape == (128, 160, 3)
    # Halved, the large face differs from the small one only by the blur of edges.
    halved = cv2.resize(large, (160, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(halved.astype(int) - small).mean() < 4


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if name != "neutral"])
def test_expression_changes_only_the_face(name):
    change = np.abs(draw_face(expression=EXPRESSIONS[name]).astype(int) - draw_face()).max(axis=2)
    # Every expression changes more than 1% of the face, and nothing of shoulders and background.
    assert np.mean(change[60:210, 100:220] > 10) > 0.01
    assert not change[:, :80].any()
    assert not change[:, 240:].any()


def test_blink_hides_the_white_of_the_eyes():
    # The box has the eye on the left of the image, without its brow.
    open_eye, closed = draw_face()[112:128, 120:148], draw_face(expression=FaceExpression(blink=1.0))[112:128, 120:148]
    assert open_eye.min(axis=2).max() > closed.min(axis=2).max()


def test_open_mouth_is_dark():
    closed, opened = draw_face(), draw_face(expression=FaceExpression(mouth_open=1.0))
    assert opened[178, 160].mean() < closed[178, 160].mean() - 40


def test_light_from_one_side():
    from_left, from_right = draw_face(pose=FacePose(light_x=-0.6)), draw_face(pose=FacePose(light_x=0.6))
    cheeks = (slice(140, 160), slice(115, 130)), (slice(140, 160), slice(190, 205))
    left, right = (from_left[cheek].mean() - from_right[cheek].mean() for cheek in cheeks)
    assert left > 5
    assert right < -5


def test_identity_depends_on_the_seed():
    first, again = (random_identity(np.random.default_rng(1)) for _ in range(2))
    other = random_identity(np.random.default_rng(2))
    assert first == again
    assert np.abs(draw_face(first).astype(int) - draw_face(other)).mean() > 5


def test_face_can_be_partly_outside_the_image():
    image = draw_face(pose=FacePose(x=2.5, y=-1.5))
    assert image.shape == (256, 320, 3)
    assert draw_face(pose=FacePose(x=20.0)).shape == (256, 320, 3)
