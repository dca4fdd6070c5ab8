"""Agreement of a mouth with a voice."""

import numpy as np
import pytest

from savee_mm.vision import face_thumbnail, voice_agreement

BOX = (40.0, 20.0, 96.0, 96.0)


def face(opening=4, *, nod=0, brightness=0):
    """Return a grey oval with dark eyes and a mouth of height ``opening`` (pixels)."""
    image = np.full((140, 180, 3), 60, np.uint8)
    y, x = np.mgrid[:140, :180]
    y = y - nod
    image[((x - 88) / 45) ** 2 + ((y - 68) / 48) ** 2 < 1] = 170
    image[(y >= 55) & (y < 60) & (np.abs(x - 88) >= 9) & (np.abs(x - 88) < 24)] = 20
    image[(y >= 85) & (y < 85 + opening) & (np.abs(x - 88) < 15)] = 30
    return np.clip(image.astype(int) + brightness, 0, 255).astype(np.uint8)


def change(before, after):
    """Return the second minus the first thumbnail of two faces, given their parameters."""
    return face_thumbnail(face(**after), BOX) - face_thumbnail(face(**before), BOX)


@pytest.fixture
def loudness():
    """Return the change of the loudness between the two frames of 40 pairs."""
    return np.random.default_rng(0).uniform(-1, 1, 40)


def test_thumbnail_is_small_and_grey():
    thumbnail = face_thumbnail(face(), BOX)
    assert (thumbnail.shape, thumbnail.dtype) == ((32, 32), np.float32)
    red = np.zeros((140, 180, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_allclose(face_thumbnail(red, BOX), 0.299, atol=1e-6)  # ITU-R BT.601


def test_thumbnail_with_landmarks_is_upright():
    eyes = np.array([[72.0, 57.0], [104.0, 57.0]])
    upright = face_thumbnail(face(), BOX, eyes)
    turned = face_thumbnail(face()[::-1, ::-1].copy(), BOX, (180, 140) - eyes)
    np.testing.assert_allclose(turned, upright, atol=0.02)


def test_mouth_that_opens_with_the_voice_agrees(loudness):
    speaks = np.array([change({"opening": 10}, {"opening": 10 + round(8 * louder)}) for louder in loudness])
    # Half of the region of the mouth is cheek and chin, which do not move.
    assert voice_agreement(speaks, loudness) > 0.4
    # The same mouth with another voice: the expected correlation of 40 random pairs is about 0.16.
    assert abs(voice_agreement(np.random.default_rng(1).permutation(speaks), loudness)) < 0.3


@pytest.mark.parametrize("moved", ["nod", "brightness"])
def test_changes_of_the_whole_face_do_not_agree(loudness, moved):
    changes = np.array([change({}, {moved: round(6 * louder)}) for louder in loudness])
    assert voice_agreement(changes, loudness) < 0.2


def test_agreement_is_the_correlation_of_the_mouth_minus_that_of_the_upper_face(loudness):
    rng = np.random.default_rng(2)
    changes = np.zeros((40, 32, 32))
    changes[:, 19:30, 8:24] = (loudness + rng.normal(0, 0.3, 40))[:, np.newaxis, np.newaxis]
    changes[:, 4:15, 4:28] = (loudness + rng.normal(0, 2, 40))[:, np.newaxis, np.newaxis]
    mouth, upper = (abs(np.corrcoef(changes[:, row, 16], loudness)[0, 1]) for row in (25, 8))
    assert voice_agreement(changes, loudness) == pytest.approx(mouth - upper)
    # It is invariant to scale and offset.
    assert voice_agreement(7 * changes + 3, 0.1 * loudness - 2) == pytest.approx(mouth - upper)


def test_agreement_of_constant_input_is_zero(loudness):
    assert voice_agreement(np.zeros((40, 32, 32)), loudness) == 0
    changes = np.random.default_rng(3).normal(size=(40, 32, 32))
    assert voice_agreement(changes, np.zeros(40)) == 0


@pytest.mark.parametrize("n_pairs", [0, 7])
def test_agreement_of_too_few_pairs(loudness, n_pairs):
    assert voice_agreement(np.zeros((n_pairs, 32, 32)), loudness[:n_pairs]) == -1
