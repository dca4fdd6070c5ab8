"""Descriptors of face crops: gradients and patterns in their bins, measures invariant to head movements."""

import numpy as np
import pytest

from savee_mm.vision import GEOMETRY, hog, landmark_geometry, lbp_histograms, mirror_hog
from savee_mm.vision._hog_kernels import oriented_votes

FACE = np.array([[20.0, 22], [42, 21], [30, 34], [23, 45], [38, 46]])


def edge(direction, side=24):
    """Return a step from dark to bright: towards the right, down, left or up."""
    image = np.zeros((side, side))
    image[:, side // 2 :] = 1
    return {"right": image, "down": image.T, "left": image[:, ::-1], "up": image.T[::-1]}[direction]


# ---- histograms of oriented gradients


@pytest.mark.parametrize(("direction", "bin_"), [("right", 0), ("down", 3), ("left", 6), ("up", 9)])
def test_edge_is_in_the_bin_of_its_direction(direction, bin_):
    histograms = hog(edge(direction), n_cells=(2, 2))
    np.testing.assert_array_equal(np.flatnonzero(histograms.sum(axis=(0, 1))), [bin_])
    # A central edge has equal weights on both sides.
    np.testing.assert_allclose(histograms, histograms[::-1, ::-1], rtol=1e-5)


@pytest.mark.parametrize(("one", "other"), [("right", "left"), ("up", "down")])
def test_unsigned_bins_ignore_the_sign_of_the_gradient(one, other):
    signed, unsigned = ([hog(edge(d), n_bins=8, signed=s) for d in (one, other)] for s in (True, False))
    np.testing.assert_allclose(*unsigned, atol=1e-6)
    assert np.abs(signed[0] - signed[1]).max() > 0.5


def test_oblique_edge_is_distributed_over_the_nearest_bins():
    ramp = np.add.outer(2 * np.arange(24), np.arange(24)) / 100
    # The square root of brightness keeps lines straight. The gradient (1, 2) is at 63 degrees; bin 2 of 12 is at 60.
    histograms = hog(ramp**2, n_cells=(3, 3))
    energy = np.square(histograms).sum(axis=(0, 1))
    inner = energy[2] / energy.sum()
    assert energy.argmax() == 2
    assert 0.7 < inner < 0.95
    assert energy[3] > 0


def test_weight_is_larger_in_the_nearest_cell():
    image = np.zeros((24, 24))
    image[3:6, 3:6] = 1
    histograms = np.square(hog(image, n_cells=(4, 4))).sum(axis=-1)
    assert np.unravel_index(histograms.argmax(), (4, 4)) == (0, 0)
    assert histograms[3, 3] == 0


@pytest.mark.parametrize("gain", [0.3, 0.7])
def test_lighting_hardly_changes_the_edges(gain):
    image = np.random.default_rng(0).uniform(size=(48, 48))
    # The regularisation for flat regions is small relative to real edges.
    np.testing.assert_allclose(hog(gain * image), hog(image), atol=1e-3)


def test_mirrored_image_has_mirrored_gradients():
    image = np.random.default_rng(1).uniform(size=(30, 36))
    original, mirrored = hog(image, n_bins=8), hog(image[:, ::-1], n_bins=8)
    # Direction a becomes 180 degrees minus a.
    np.testing.assert_allclose(mirrored[:, ::-1][..., (4 - np.arange(8)) % 8], original, atol=1e-4)
    np.testing.assert_allclose(mirror_hog(original), mirrored, atol=1e-4)


@pytest.mark.parametrize(("n_bins", "signed"), [(12, True), (7, True), (9, False)])
def test_votes_are_shared_by_the_nearest_cells_and_directions(n_bins, signed):
    image = np.random.default_rng(2).uniform(size=(30, 37))
    n_cells, turn = (4, 5), 2 * np.pi if signed else np.pi
    root = np.sqrt(image)
    across, down = np.zeros_like(root), np.zeros_like(root)
    across[:, 1:-1], down[1:-1] = root[:, 2:] - root[:, :-2], root[2:] - root[:-2]
    direction = np.arctan2(down, across) % turn * n_bins / turn
    distance = np.abs(direction - np.arange(n_bins)[:, np.newaxis, np.newaxis])
    in_bins = np.maximum(0, 1 - np.minimum(distance, n_bins - distance)) * np.hypot(across, down)
    rows, columns = (
        np.maximum(0, 1 - np.abs((np.arange(n) + 0.5) * m / n - 0.5 - np.arange(m)[:, np.newaxis]))
        for n, m in zip(image.shape, n_cells, strict=True)
    )
    expected = np.einsum("ry,kyx,cx->rck", rows, in_bins, columns)
    actual = oriented_votes(root[np.newaxis].astype(np.float32), *n_cells, n_bins, turn)[0]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


# ---- local binary patterns


def test_frequencies_of_the_patterns_sum_to_one_in_each_cell():
    image = np.random.default_rng(2).uniform(size=(30, 30))
    histograms = lbp_histograms(image, n_cells=(3, 2))
    assert histograms.shape == (3, 2, 59)
    np.testing.assert_allclose(np.square(histograms).sum(axis=-1), 1, rtol=1e-5)


def test_patterns_of_edges_and_noise_differ():
    noise = np.random.default_rng(3).uniform(size=(24, 24))
    shares = [np.square(lbp_histograms(image, n_cells=(1, 1)))[0, 0] for image in (edge("right"), noise)]
    # An edge has two patterns (flat, dark next to the step); most of noise is not uniform.
    assert sorted(shares[0][shares[0] > 0]) == pytest.approx([1 / 24, 23 / 24])
    assert shares[0][-1] == 0
    assert shares[1][-1] > 0.15
    assert np.count_nonzero(shares[1]) > 40


def test_patterns_are_invariant_to_brightness_and_contrast():
    levels = np.random.default_rng(4).integers(0, 100, (24, 24))
    np.testing.assert_array_equal(lbp_histograms(levels / 255), lbp_histograms((2 * levels + 30) / 255))


# ---- both


@pytest.mark.parametrize("describe", [hog, lbp_histograms])
@pytest.mark.parametrize("value", [0, 0.4, 1])
def test_constant_image_gives_zeros(describe, value):
    assert not describe(np.full((2, 18, 18), value)).any()


@pytest.mark.parametrize("describe", [hog, lbp_histograms])
def test_images_are_independent(describe):
    images = np.random.default_rng(5).uniform(size=(2, 3, 24, 30))
    together = describe(images)
    assert together.shape[:4] == (2, 3, 6, 6)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    np.testing.assert_allclose(describe(images[1, 2]), together[1, 2], atol=1e-6)


@pytest.mark.parametrize("describe", [hog, lbp_histograms])
@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros(24), {}, r"shape \(\.\.\., height, width\), at least 6 x 6 pixels, got an array of shape \(24,\)"),
        (np.zeros((5, 24)), {}, r"got an array of shape \(5, 24\)"),
        (np.full((8, 8), "a"), {}, "type <U1"),
        (np.where(np.eye(8), np.nan, 0), {}, "8 of 64 pixels are NaN or infinite"),
        (np.zeros((8, 8)), {"n_cells": (2, 0)}, "positive integers, got"),
        (np.zeros((8, 8)), {"n_cells": (2,)}, "positive integers, got"),
    ],
)
def test_bad_images(describe, images, options, message):
    with pytest.raises(ValueError, match=message):
        describe(images, **options)


def test_bad_n_bins():
    with pytest.raises(ValueError, match="n_bins of at least 2, got 1"):
        hog(np.zeros((8, 8)), n_bins=1)


# ---- landmarks


def named(landmarks):
    return dict(zip(GEOMETRY, landmark_geometry(landmarks), strict=True))


def test_measures_of_a_symmetric_face():
    measures = named([[20, 20], [40, 20], [30, 30], [25, 40], [35, 40]])
    assert measures["eyes_nose"] == pytest.approx(0.5)
    assert measures["eyes_mouth"] == pytest.approx(1)
    assert measures["nose_mouth"] == pytest.approx(0.5)
    assert measures["mouth_width"] == pytest.approx(0.5)
    assert measures["eye_corner"] == pytest.approx(np.hypot(5, 20) / 20)
    assert measures["eye_corner_across"] == pytest.approx(np.hypot(15, 20) / 20)
    assert measures["nose_corner"] == pytest.approx(np.hypot(5, 10) / 20)
    assert measures["mouth_angle"] == pytest.approx(2 * np.arctan(0.5))
    assert measures["eyes_angle"] == pytest.approx(np.pi / 2)
    assert measures["mouth_tilt"] == pytest.approx(0)
    assert measures["nose_turn"] == pytest.approx(0)


@pytest.mark.parametrize("turn", [0, 20, -140])
@pytest.mark.parametrize("scale", [0.2, 3])
def test_measures_are_invariant_to_shift_rotation_and_scale(turn, scale):
    a = np.deg2rad(turn)
    moved = scale * FACE @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + (7, -30)
    np.testing.assert_allclose(landmark_geometry(moved), landmark_geometry(FACE), rtol=1e-9)


def test_mirrored_face_has_opposite_tilt_and_turn():
    mirrored = (FACE * (-1, 1))[[1, 0, 2, 4, 3]]
    original, other = named(FACE), named(mirrored)
    for name in GEOMETRY:
        sign = -1 if name in ("mouth_tilt", "nose_turn") else 1
        assert other[name] == pytest.approx(sign * original[name]), name
    assert abs(original["mouth_tilt"]) > 0.05
    assert abs(original["nose_turn"]) > 0.01


def test_open_mouth_changes_its_distances_only():
    opened = FACE.copy()
    opened[3:, 1] += 5
    before, after = named(FACE), named(opened)
    assert after["nose_mouth"] > before["nose_mouth"] + 0.15
    assert after["mouth_width"] == pytest.approx(before["mouth_width"])
    assert after["mouth_angle"] < before["mouth_angle"]
    assert after["eyes_nose"] == before["eyes_nose"]


def test_missing_landmarks_have_missing_measures():
    batch = np.stack([FACE, np.full((5, 2), np.nan), np.zeros((5, 2))])
    measures = landmark_geometry(batch)
    assert measures.shape == (3, len(GEOMETRY))
    np.testing.assert_array_equal(measures[0], landmark_geometry(FACE))
    assert np.isnan(measures[1]).all()
    # Both eyes at one position: no unit of distance.
    assert np.isnan(measures[2, GEOMETRY.index("mouth_width")])


@pytest.mark.parametrize("shape", [(5,), (4, 2), (5, 3)])
def test_bad_landmarks(shape):
    with pytest.raises(ValueError, match=r"landmarks of shape \(\.\.\., 5, 2\), got"):
        landmark_geometry(np.zeros(shape))
