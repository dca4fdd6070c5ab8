"""align_face: eyes at fixed positions of the crop for any head pose; transforms of points to crops."""

import numpy as np
import pytest

from savee_mm.vision import align_face, crop_face, crop_transform, map_points, steady_eyes
from savee_mm.vision.align import eye_angle, eye_transform, turn_landmarks

EYES = np.array([[70.0, 60.0], [110.0, 75.0]])


def blobs(points, height=160, width=200, spread=3.0):
    """Return a dark image with bright spots at the points (x, y; pixels): the first red, the second green."""
    y, x = np.mgrid[:height, :width] + 0.5
    image = np.zeros((height, width, 3))
    for channel, (px, py) in enumerate(points):
        image[..., channel] = 255 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * spread**2))
    return image.round().astype(np.uint8)


def centres(crop):
    """Return the centre of mass (x, y; pixels) of red and of green."""
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]] + 0.5
    return np.array([[(x * c).sum() / c.sum(), (y * c).sum() / c.sum()] for c in (crop[..., 0], crop[..., 1])])


@pytest.mark.parametrize("size", [(64, 64), (40, 64), (64, 40), (160, 160)])
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_eyes_are_at_fixed_positions(size, margin):
    crop, transform = align_face(blobs(EYES), EYES, size=size, margin=margin)
    assert (crop.shape, crop.dtype) == ((*size, 3), np.float32)
    side = min(size) / (1 + margin)
    middle, height = size[1] / 2, size[0] / 2 - 0.12 * side
    expected = [[middle - 0.175 * side, height], [middle + 0.175 * side, height]]
    np.testing.assert_allclose(map_points(transform, EYES), expected, atol=1e-9)
    np.testing.assert_allclose(centres(crop), expected, atol=0.1)  # eight bits, and spots of a few pixels


@pytest.mark.parametrize("degrees", [-50, 20, 180])
@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_crop_is_invariant_to_rotation_scale_and_shift(degrees, scale):
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    other = (EYES - EYES.mean(axis=0)) @ turn.T + (250, 240)
    first, _ = align_face(blobs(EYES), EYES, size=(48, 48))
    second, _ = align_face(blobs(other, 500, 520, 3.0 * scale), other, size=(48, 48))
    np.testing.assert_allclose(second, first, atol=0.05)  # spots of 1.5 pixels are sampled coarsely


def test_landmarks_after_the_eyes_are_ignored():
    more = np.vstack([EYES, [[90, 90], [75, 110], [105, 112]]])
    np.testing.assert_array_equal(align_face(blobs(EYES), more)[0], align_face(blobs(EYES), EYES)[0])


def test_shrinking_averages_areas():
    checks = np.zeros((512, 512, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    eyes = np.array([[200.0, 240.0], [312.0, 240.0]])  # of a face 320 pixels wide
    # Sampling of single points would give a pattern of black and white.
    np.testing.assert_allclose(align_face(checks, eyes, size=(32, 32))[0], 0.5, atol=0.03)


def test_upright_crop_at_its_own_size_equals_the_image():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    # A face of 100 pixels around (80, 60).
    eyes = np.array([[62.5, 48.0], [97.5, 48.0]])
    np.testing.assert_allclose(align_face(image, eyes, size=(100, 100))[0], image[10:110, 30:130] / 255, atol=1e-6)
    np.testing.assert_allclose(
        align_face(image, eyes, size=(50, 50))[0], crop_face(image, (30, 10, 100, 100), size=(50, 50)), atol=1e-6
    )


def test_edge_pixels_are_repeated_outside_the_image():
    image = np.full((40, 40, 3), 200, np.uint8)
    crop, _ = align_face(image, [[2.0, 3.0], [36.0, 3.0]], size=(64, 64), margin=1.0)
    np.testing.assert_allclose(crop, 200 / 255, atol=1e-6)


@pytest.mark.parametrize("box", [(30, 20, 64, 64), (10.3, 20.8, 80.2, 60), (-20, 90, 33, 47)])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_crop_transform_maps_pixels_as_crop_face_does(box, size):
    y, x = np.mgrid[:160, :200] + 0.5
    # Red is x and green is y, so that each pixel of a crop has its source position.
    image = np.stack([x, y, x], axis=-1).astype(np.uint8)
    crop = crop_face(image, box, size=size, margin=0.2) * 255 + 0.5
    back = map_points(crop_transform(box, size=size, margin=0.2), crop[..., :2])
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    inside = ((crop[..., :2] > 3) & (crop[..., :2] < (197, 157))).all(axis=-1)
    assert inside.mean() > 0.2
    np.testing.assert_allclose(back[inside], np.stack([columns, rows], axis=-1)[inside], atol=1.1)


def test_missing_points_stay_missing():
    transform = eye_transform(EYES)
    points = map_points(transform, np.full((2, 5, 2), np.nan))
    assert points.shape == (2, 5, 2)
    assert np.isnan(points).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"image": np.zeros((10, 10, 3))}, "uint8"),
        ({"landmarks": [[1.0, 2.0]]}, "landmarks of shape"),
        ({"landmarks": [[1.0, np.nan], [3.0, 4.0]]}, "landmarks of shape"),
        ({"landmarks": [[1.0, 2.0], [1.0, 2.0]]}, "two different eye positions"),
        ({"size": (0, 64)}, "size"),
        ({"margin": -1}, "margin"),
    ],
)
def test_bad_input(options, match):
    arguments = {"image": blobs(EYES), "landmarks": EYES, **options}
    with pytest.raises(ValueError, match=match):
        align_face(arguments.pop("image"), arguments.pop("landmarks"), **arguments)


def test_steady_eyes_have_one_distance_and_direction_in_a_clip():
    rng = np.random.default_rng(0)
    moved = EYES + rng.uniform(-20, 20, (5, 1, 2))
    eyes = steady_eyes(np.concatenate([moved, np.zeros((5, 3, 2))], axis=1))  # mouth and nose are ignored
    np.testing.assert_allclose(eyes, moved)
    # Of a frame with wrong eyes only the centre is used.
    outlier = moved.copy()
    outlier[2] = moved[2].mean(axis=0) + np.array([[-30, 20], [30, -20]])
    np.testing.assert_allclose(steady_eyes(outlier), moved)
    scales = [eye_transform(frame)[0, 0] for frame in steady_eyes(moved + rng.normal(0, 2, moved.shape))]
    np.testing.assert_allclose(scales, scales[0])
    np.testing.assert_allclose(steady_eyes(moved[:1]), moved[:1])
    for bad in (EYES, moved[:, :1], moved[:0]):
        with pytest.raises(ValueError, match=r"shape \(n_frames, n_points, 2\), the eyes first, got"):
            steady_eyes(bad)
    with pytest.raises(ValueError, match="finite positions of the eyes"):
        steady_eyes([[[np.nan, 1], [2, 3]]])


def rotated(points, degrees):
    """Rotate points clockwise (y points down) around the midpoint of the eyes."""
    angle = np.deg2rad(degrees)
    middle = points[:2].mean(axis=0)
    return (points - middle) @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]] + middle


FIVE = np.array([[70.0, 60.0], [110.0, 60.0], [90.0, 80.0], [75.0, 100.0], [105.0, 100.0]])


@pytest.mark.parametrize("degrees", [-170, -30, 0, 12, 90])
def test_eye_angle_is_clockwise(degrees):
    assert np.rad2deg(eye_angle(rotated(FIVE, degrees))) == pytest.approx(degrees)


@pytest.mark.parametrize("degrees", [-30, 15, 90])
def test_landmarks_of_all_frames_turn_with_those_of_some(degrees):
    frames = FIVE + np.array([[[0, 0]], [[8, 3]], [[-5, 20]]])
    turned = turn_landmarks(frames, frames[:1], np.stack([rotated(FIVE, degrees) + 2]))
    for before, after in zip(frames, turned, strict=True):
        # The weight is 0.995 at 15 degrees.
        np.testing.assert_allclose(after, rotated(before, degrees) + 2, atol=0.1)


def test_small_corrections_have_a_small_weight():
    frames = FIVE[np.newaxis]
    assert np.rad2deg(eye_angle(turn_landmarks(frames, frames, rotated(FIVE, 2)[np.newaxis])))[0] < 0.2
    assert np.rad2deg(eye_angle(turn_landmarks(frames, frames, rotated(FIVE, 4)[np.newaxis])))[0] == pytest.approx(2)
    np.testing.assert_array_equal(turn_landmarks(frames, frames, frames), frames)


def test_correction_is_the_mean_over_frames_also_across_180_degrees():
    frames = np.stack([rotated(FIVE, 175)] * 2)
    after = np.stack([rotated(FIVE, 175 + 20), rotated(FIVE, 175 + 30)])
    np.testing.assert_allclose(np.rad2deg(eye_angle(turn_landmarks(frames, frames, after))), -160, atol=0.1)
