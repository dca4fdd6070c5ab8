"""crop_face: the square around a face, at a fixed size, for any box."""

import cv2
import numpy as np
import pytest

from savee_mm.vision import crop_face


def ramps(height=120, width=160):
    """Return an image whose red increases to the right, green downwards, with constant blue."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    image[..., 2] = 200
    return image


def test_shape_type_and_range():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    crop = crop_face(image, (10, 20, 80, 60), size=(48, 32))
    assert (crop.shape, crop.dtype) == ((48, 32, 3), np.float32)
    assert crop.min() >= 0
    assert crop.max() <= 1


def test_square_at_its_own_size_is_not_changed():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    crop = crop_face(image, (30, 40, 64, 64))
    np.testing.assert_allclose(crop, image[40:104, 30:94] / 255, atol=1e-6)  # float32


def test_square_has_the_larger_side_and_the_same_centre():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    np.testing.assert_array_equal(crop_face(image, (46, 40, 32, 64)), crop_face(image, (30, 40, 64, 64)))


def test_margin_is_a_fraction_of_the_side():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    np.testing.assert_array_equal(crop_face(image, (46, 40, 40, 40), margin=0.5), crop_face(image, (36, 30, 60, 60)))


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_scaling_keeps_the_centre_and_the_slope(scale):
    side = round(64 / scale)
    crop = crop_face(ramps(), (70 - side / 2, 60 - side / 2, side, side), size=(64, 64)) * 255
    # The mean column of the square is its centre minus half a pixel; interpolation rounds to 1 level.
    np.testing.assert_allclose(crop.mean(axis=(0, 1)), [69.5, 59.5, 200], atol=0.5)
    np.testing.assert_allclose(np.diff(crop[:, 8:-8, 0].mean(axis=0)).mean(), 1 / scale, rtol=0.05)


def test_shrinking_averages_areas():
    checks = np.zeros((128, 128, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 255
    crop = crop_face(checks, (0, 0, 128, 128), size=(32, 32))
    np.testing.assert_allclose(crop, 0.5, atol=1 / 255)  # every pixel of the crop averages half black, half white


def test_edge_pixels_are_repeated_outside_the_image():
    image = ramps()
    padded = cv2.copyMakeBorder(image, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    for x, y in [(-20, -30), (130, 90), (-20, 90)]:
        expected = padded[y + 50 : y + 114, x + 50 : x + 114] / 255
        np.testing.assert_allclose(crop_face(image, (x, y, 64, 64)), expected, atol=1e-6)  # float32


def test_box_outside_the_image_shows_the_nearest_edge():
    crop = crop_face(ramps(), (500, 20, 40, 40)) * 255
    np.testing.assert_allclose(crop[..., 0], 159, atol=0.01)  # float32


def test_other_shape_extends_the_square_without_stretching():
    wide = crop_face(ramps(), (64, 44, 32, 32), size=(32, 64)) * 255
    np.testing.assert_allclose(np.diff(wide[..., 0], axis=1), 1, atol=0.01)  # float32
    np.testing.assert_allclose(np.diff(wide[..., 1], axis=0), 1, atol=0.01)


def test_mirrored_image_gives_a_mirrored_crop():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    crop = crop_face(image, (30, 40, 50, 50))
    mirrored = crop_face(image[:, ::-1], (160 - 30 - 50, 40, 50, 50))
    np.testing.assert_allclose(mirrored[:, ::-1], crop, atol=1.01 / 255)  # OpenCV rounds halves in one direction


def test_image_of_one_pixel():
    assert crop_face(np.full((1, 1, 3), 255, np.uint8), (0, 0, 1, 1)).min() == 1.0


@pytest.mark.parametrize(
    ("image", "options", "match"),
    [
        (np.zeros((10, 10), np.uint8), {}, "image of shape"),
        (np.zeros((10, 10, 4), np.uint8), {}, "image of shape"),
        (np.zeros((10, 10, 3)), {}, "uint8"),
        (np.zeros((0, 10, 3), np.uint8), {}, "image of shape"),
        (ramps(), {"box": (0, 0, 0, 10)}, "box"),
        (ramps(), {"box": (0, 0, np.nan, 10)}, "box"),
        (ramps(), {"box": (0, 0, 10)}, "box"),
        (ramps(), {"size": (64, 0)}, "size"),
        (ramps(), {"size": (64,)}, "size"),
        (ramps(), {"margin": -1}, "margin"),
        (ramps(), {"margin": np.nan}, "margin"),
    ],
)
def test_bad_input(image, options, match):
    box = options.pop("box", (0, 0, 10, 10))
    with pytest.raises(ValueError, match=match):
        crop_face(image, box, **options)
