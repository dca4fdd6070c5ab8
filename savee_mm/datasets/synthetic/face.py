"""Drawn and shaded faces: identity, expression, and pose with lighting."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from savee_mm.datasets.synthetic.sketch import Sketch, box, ellipse, planes

_CROWN = -1.5  # y of the crown of the head; lengths are in half face widths.


@dataclass(frozen=True)
class FaceIdentity:
    """Shape and colours of the face of one person.

    Lengths are in half face widths (1 is half the width of an average face at the cheekbones), colours are
    RGB triples in [0, 255].
    """

    face_width: float = 1.0
    jaw_width: float = 0.75
    chin: float = 1.32
    eye_distance: float = 0.43
    eye_width: float = 0.20
    eye_height: float = 0.075
    brow_height: float = 0.27
    brow_thickness: float = 0.07
    brow_tilt: float = 0.0
    nose_width: float = 0.19
    nose_length: float = 0.52
    mouth_width: float = 0.34
    mouth_height: float = 0.86
    lip_thickness: float = 0.1
    hairline: float = -0.95
    hair_length: float = 0.0
    beard: float = 0.0
    skin: tuple = (214, 170, 142)
    hair: tuple = (58, 42, 34)
    iris: tuple = (84, 62, 44)
    clothes: tuple = (60, 74, 96)
    background: tuple = (118, 128, 132)


class FaceExpression(NamedTuple):
    """Facial expression: 0 is at rest, 1 is strong; comments name the action units (AU) of FACS."""

    brow_raise: float = 0.0  # AU 1+2
    inner_brow_raise: float = 0.0  # AU 1
    frown: float = 0.0  # AU 4
    eye_widen: float = 0.0  # AU 5
    squint: float = 0.0  # AU 6+7
    blink: float = 0.0  # AU 45
    nose_wrinkle: float = 0.0  # AU 9
    upper_lip_raise: float = 0.0  # AU 10
    smile: float = 0.0  # AU 12; below 0 the corners are down, AU 15
    mouth_stretch: float = 0.0  # AU 20; below 0 the lips are rounded, AU 18
    lip_press: float = 0.0  # AU 24
    teeth: float = 0.0  # AU 25, lips apart with the jaw closed
    mouth_open: float = 0.0  # AU 26+27


class FacePose(NamedTuple):
    """Pose of the head, and its lighting.

    ``x``, ``y`` are shifts in half face widths, ``roll`` is in radians, ``yaw`` and ``pitch`` are the sines of
    the angles, ``size`` is a factor; ``light_x`` and ``light_y`` are the direction of the light (-1 to 1: left
    to right, above to below), ``brightness`` is a factor.
    """

    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    size: float = 1.0
    light_x: float = -0.3
    light_y: float = -0.4
    brightness: float = 1.0


def random_identity(rng):
    """Draw the face of one person at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random number generator.

    Returns
    -------
    identity : FaceIdentity
    """
    pale, dark = np.array([232.0, 192, 168]), np.array([150.0, 105, 78])
    skin = pale + (dark - pale) * rng.uniform(0, 1) + rng.normal(0, 4, 3)
    hair = [(38, 30, 27), (70, 48, 34), (116, 82, 50), (92, 90, 88), (128, 66, 38)][rng.integers(5)]
    iris = [(70, 50, 36), (96, 72, 46), (70, 96, 110), (78, 92, 66)][rng.integers(4)]
    return FaceIdentity(
        face_width=rng.uniform(0.93, 1.07),
        jaw_width=rng.uniform(0.62, 0.86),
        chin=rng.uniform(1.24, 1.40),
        eye_distance=rng.uniform(0.40, 0.46),
        eye_width=rng.uniform(0.175, 0.215),
        eye_height=rng.uniform(0.062, 0.085),
        brow_height=rng.uniform(0.24, 0.30),
        brow_thickness=rng.uniform(0.05, 0.085),
        brow_tilt=rng.uniform(-0.04, 0.04),
        nose_width=rng.uniform(0.16, 0.22),
        nose_length=rng.uniform(0.47, 0.56),
        mouth_width=rng.uniform(0.30, 0.38),
        mouth_height=rng.uniform(0.82, 0.89),
        lip_thickness=rng.uniform(0.075, 0.12),
        hairline=rng.uniform(-1.05, -0.85),
        hair_length=rng.uniform(0, 1),
        beard=max(0.0, rng.uniform(-0.5, 0.35)),
        skin=_triple(skin),
        hair=_triple(np.array(hair) + rng.normal(0, 6, 3)),
        iris=iris,
        clothes=_triple(rng.uniform(35, 150, 3)),
        background=_triple(rng.uniform(95, 165) + rng.normal(0, 10, 3)),
    )


def draw_face(identity=None, expression=None, pose=None, *, height=256, width=320):
    """Draw a frontal face with hair, neck and background.

    Parameters
    ----------
    identity : FaceIdentity, default=None
        Person; an average face when None.
    expression : FaceExpression, default=None
        Expression; at rest when None.
    pose : FacePose, default=None
        Pose and lighting; upright, frontal, lit from the upper left when None.
    height, width : int, default=256, 320
        Size of the image (pixels). The height of the face is about two thirds of it.

    Returns
    -------
    image : ndarray of shape (height, width, 3), uint8, RGB

    Notes
    -----
    The expressions follow the action units of P. Ekman, W. V. Friesen, *Facial Action
    Coding System*, 1978.

    Examples
    --------
    >>> from savee_mm.datasets.synthetic import FaceExpression, draw_face
    >>> draw_face(expression=FaceExpression(smile=1.0)).shape
    (256, 320, 3)
    """
    identity = FaceIdentity() if identity is None else identity
    expression = FaceExpression() if expression is None else expression
    pose = FacePose() if pose is None else pose
    sketch = Sketch(height, width, identity.background, pose)
    _draw_body(sketch, identity)
    _draw_head(sketch, identity, expression, pose)
    for side in (-1, 1):
        _draw_eye(sketch, identity, expression, side)
        _draw_brow(sketch, identity, expression, side)
    _draw_nose(sketch, identity, expression, pose)
    _draw_creases(sketch, identity, expression)
    _draw_mouth(sketch, identity, expression)
    return sketch.finish(pose.brightness)


def _draw_body(sketch, identity):
    """Draw shoulders, neck and the hair at the back."""
    skin, clothes = np.array(identity.skin), np.array(identity.clothes)
    back = 1.16 * identity.face_width
    length = 0.2 + 1.1 * identity.hair_length * (identity.hair_length > 0.5)
    if length > 0.5:
        sketch.paint(box(-back, back, -0.6, length, 0.3), np.array(identity.hair) * 0.8, blur=0.05)
    shoulders = [(-2.4, 3), (-2.2, 2.05), (-1.2, 1.75), (-0.5, 1.5), (0.5, 1.5), (1.2, 1.75), (2.2, 2.05), (2.4, 3)]
    sketch.paint(box(-0.56, 0.56, 0.8, 1.95, 0.2), skin * 0.78, blur=0.02)
    sketch.paint(shoulders, clothes, blur=0.03)
    sketch.paint(ellipse(0, 1.5, 0.5, 0.3), skin * 0.78, blur=0.03)
    sketch.paint(ellipse(0, 1.25, 0.6, 0.3), skin * 0.5, opacity=0.8, blur=0.1)


def _draw_head(sketch, identity, expression, pose):
    """Draw the head as a lit ellipsoid, the ears and the hair."""
    wide, skin = identity.face_width, np.array(identity.skin, dtype=np.float32)
    hair = np.array(identity.hair)
    sketch.paint(ellipse(0, -0.5, 1.12 * wide, 1.12), hair * 0.85, blur=0.04)
    for side in (-1, 1):
        sketch.paint(ellipse(side * 1.0 * wide, 0.12, 0.12, 0.26), skin * 0.78, blur=0.02)
    x, y = sketch.coordinates()
    u, v = x / (1.12 * wide), (y + 0.08) / 1.62
    facing = np.sqrt(np.maximum(1 - u * u - v * v, 0.02))
    lit = 0.52 + 0.5 * facing + 0.22 * (pose.light_x * u + pose.light_y * v)
    chin = identity.chin + 0.2 * expression.mouth_open
    outline = _head_outline(wide, identity.jaw_width, chin)
    sketch.paint(outline, lit * planes(skin), blur=0.015)
    for side in (-1, 1):
        sketch.paint(ellipse(side * 0.55, 0.42, 0.2, 0.18), skin * 1.12, opacity=0.35, blur=0.12, depth=0.1)
    sketch.paint(ellipse(0, -0.62, 0.5, 0.22), skin * 1.15, opacity=0.35, blur=0.16)
    if identity.beard > 0:
        jaw = ellipse(0, 0.98, 0.66 * wide, chin - 0.86)
        sketch.paint(jaw, hair, opacity=identity.beard, blur=0.12, inside=outline)
    line, top = identity.hairline, _CROWN - 0.08
    fringe = np.linspace(-1, 1, 21)
    lower = np.column_stack([fringe * 0.98 * wide, line + 0.55 * np.abs(fringe) ** 3])
    arc = np.linspace(0, np.pi, 25)
    upper = np.column_stack([1.1 * wide * np.cos(arc), -0.5 + (top + 0.5) * np.sin(arc)])
    sketch.paint(np.vstack([lower, upper]), hair, blur=0.03)
    sketch.paint(ellipse(0.25 * np.sign(pose.light_x), -1.3, 0.4, 0.09), hair * 1.5 + 12, opacity=0.4, blur=0.1)


def _draw_eye(sketch, identity, expression, side):
    """Draw one eye: socket, white, iris, pupil, lids; ``side`` is -1 on the left of the image."""
    skin = np.array(identity.skin)
    x, half, depth = side * identity.eye_distance, identity.eye_width, 0.1
    open_share = max(0.0, 1 - expression.blink)
    up = identity.eye_height * (1.15 + 0.6 * expression.eye_widen - 0.45 * expression.squint) * open_share
    down = identity.eye_height * (0.8 + 0.25 * expression.eye_widen - 0.55 * expression.squint) * open_share
    up, down = max(up, 0.004), max(down, 0.004)
    sketch.paint(ellipse(x, -0.03, half * 1.35, 0.17), skin * 0.55, opacity=0.62, blur=0.07, depth=depth)
    t = np.linspace(-1, 1, 15)
    curve = 1 - t * t
    tilt = -0.02 * side * t
    upper = np.column_stack([x + half * t, -up * curve + tilt])
    lower = np.column_stack([x + half * t, down * curve + tilt])
    almond = np.vstack([upper, lower[::-1]])
    sketch.paint(almond, (226, 220, 214), depth=depth)
    radius, level = 0.52 * half, -0.012
    iris = ellipse(x, level, radius, radius)
    sketch.paint(iris, np.array(identity.iris) * 0.9, depth=depth, inside=almond)
    sketch.paint(ellipse(x, level, 0.5 * radius, 0.5 * radius), (14, 12, 12), depth=depth, inside=almond)
    sketch.paint(
        np.add(upper, (0, 0.012)), (30, 22, 20), opacity=0.4, blur=0.02, depth=depth, width=0.05, inside=almond
    )
    glint = ellipse(x - 0.035, level - 0.035, 0.018, 0.018)
    sketch.paint(glint, (250, 250, 250), depth=depth, inside=almond)
    sketch.paint(upper, (34, 24, 22), blur=0.006, depth=depth, width=0.035)
    sketch.paint(lower, skin * 0.5, opacity=0.6, blur=0.01, depth=depth, width=0.02)
    sketch.paint(np.add(upper, (0, -0.055)), skin * 0.5, opacity=0.5, blur=0.015, depth=depth, width=0.02)
    bag = np.add(lower, (0, 0.07 - 0.03 * expression.squint))
    sketch.paint(bag, skin * 0.55, opacity=0.2 + 0.35 * max(expression.squint, 0), blur=0.02, depth=depth, width=0.02)


def _draw_brow(sketch, identity, expression, side):
    """Draw one eyebrow."""
    e, base = expression, -identity.brow_height
    inner = base - 0.13 * e.brow_raise - 0.17 * e.inner_brow_raise + 0.12 * e.frown + 0.03 * e.nose_wrinkle
    middle = base - 0.055 - 0.15 * e.brow_raise - 0.05 * e.inner_brow_raise + 0.08 * e.frown
    outer = base + 0.035 - 0.12 * e.brow_raise + 0.05 * e.inner_brow_raise + 0.01 * e.frown
    tilt = identity.brow_tilt
    start = 0.17 - 0.06 * e.frown - 0.02 * e.inner_brow_raise
    end = identity.eye_distance + identity.eye_width + 0.06
    t = np.linspace(0, 1, 13)
    x = start + (end - start) * t
    # The parabola through the three heights at t = 0, 0.6 and 1.
    y = (inner + tilt) * (t - 0.6) * (t - 1) / 0.6 + middle * t * (1 - t) / 0.24 + (outer - tilt) * t * (t - 0.6) / 0.4
    half = 0.5 * identity.brow_thickness * np.clip(1.15 - 0.75 * t, 0.2, 1) * np.minimum(1, 0.55 + 4 * t)
    band = np.vstack([np.column_stack([side * x, y - half]), np.column_stack([side * x, y + half])[::-1]])
    sketch.paint(band, np.array(identity.hair) * 0.75, opacity=0.9, blur=0.016, depth=0.1)


def _draw_nose(sketch, identity, expression, pose):
    """Draw the nose with highlight, shadow and nostrils."""
    skin, wide = np.array(identity.skin), identity.nose_width * (1 + 0.12 * expression.nose_wrinkle)
    tip = identity.nose_length - 0.05 * expression.nose_wrinkle - 0.02 * expression.upper_lip_raise
    shadow = 1.0 if pose.light_x <= 0 else -1.0
    for side, opacity in ((shadow, 0.45), (-shadow, 0.22)):
        ridge = [(side * 0.11, -0.16), (side * 0.08, 0.08), (side * (wide - 0.03), tip - 0.08)]
        sketch.paint(ridge, skin * 0.5, opacity=opacity, blur=0.045, depth=0.13, width=0.07)
        wing = ellipse(side * (wide - 0.03), tip - 0.02, 0.07, 0.075)
        sketch.paint(wing, skin * 0.72, opacity=0.55, blur=0.025, depth=0.16)
    sketch.paint([(0, -0.2), (0, tip - 0.1)], skin * 1.2 + 8, opacity=0.5, blur=0.035, depth=0.16, width=0.07)
    sketch.paint(ellipse(0, tip - 0.08, 0.085, 0.075), skin * 1.2 + 10, opacity=0.5, blur=0.04, depth=0.2)
    sketch.paint(ellipse(0, tip + 0.075, wide, 0.05), skin * 0.5, opacity=0.55, blur=0.04, depth=0.16)
    for side in (-1, 1):
        nostril = ellipse(side * 0.5 * wide, tip + 0.03, 0.045, 0.026)
        sketch.paint(nostril, skin * 0.2, opacity=0.9, blur=0.014, depth=0.18)
    for level in (-0.12, -0.05, 0.03):
        wrinkle = [(-0.1, level + 0.03), (0, level), (0.1, level + 0.03)]
        sketch.paint(wrinkle, skin * 0.5, opacity=0.6 * expression.nose_wrinkle, blur=0.014, depth=0.15, width=0.02)


def _draw_creases(sketch, identity, expression):
    """Draw the skin folds of an expression."""
    e, dark = expression, np.array(identity.skin) * 0.5
    fold = 0.18 + 0.45 * max(e.smile, 0) + 0.5 * e.upper_lip_raise + 0.25 * e.nose_wrinkle
    corner = identity.mouth_width * (1.15 + 0.25 * e.smile + 0.2 * e.mouth_stretch)
    top = identity.nose_length - 0.02 - 0.06 * e.upper_lip_raise
    low = identity.mouth_height - 0.1 - 0.1 * e.smile
    for side in (-1, 1):
        nasolabial = [(side * (identity.nose_width + 0.05), top), (side * (corner + 0.02), 0.4 * top + 0.6 * low),
                      (side * (corner + 0.08), low + 0.06)]  # fmt: skip
        sketch.paint(nasolabial, dark, opacity=fold, blur=0.025, depth=0.13, width=0.03)
        glabella = [(side * 0.07, -0.22), (side * 0.055, -0.4)]
        sketch.paint(glabella, dark, opacity=0.65 * e.frown, blur=0.015, depth=0.12, width=0.025)
    for level in (-0.6, -0.7):
        arch = [(-0.45, level + 0.03), (0, level), (0.45, level + 0.03)]
        opacity = 0.4 * e.brow_raise + 0.3 * e.inner_brow_raise
        sketch.paint(arch, dark, opacity=opacity, blur=0.015, depth=0.08, width=0.02)


def _draw_mouth(sketch, identity, expression):
    """Draw the lips, the inside of the mouth, the teeth and the tongue."""
    e, skin = expression, np.array(identity.skin)
    lips = skin * (0.76, 0.56, 0.56)
    half = identity.mouth_width * (1 + 0.24 * e.smile * (e.smile > 0) + 0.25 * e.mouth_stretch - 0.14 * e.mouth_open)
    y, thick = identity.mouth_height, identity.lip_thickness * (1 - 0.6 * e.lip_press)
    thick = max(thick * (1 - 0.25 * max(e.mouth_stretch, 0)), 0.025)
    t = np.linspace(-1, 1, 25)
    curve = (1 - t * t) ** 0.8
    line = y - 0.16 * e.smile * (t * t - 0.35) - 0.02 * e.mouth_open
    raised = 0.05 * e.mouth_open + 0.045 * e.teeth + 0.07 * e.upper_lip_raise
    dropped = 0.30 * e.mouth_open + 0.05 * e.teeth + 0.02 * e.upper_lip_raise
    bow = 1 - 0.3 * np.exp(-((t / 0.14) ** 2))
    x = half * t
    inner_top = np.column_stack([x, line - raised * curve])
    inner_low = np.column_stack([x, line + dropped * curve])
    outer_top = np.column_stack([x * 1.04, inner_top[:, 1] - 0.85 * thick * curve * bow])
    outer_low = np.column_stack([x * 1.04, inner_low[:, 1] + thick * curve])
    depth, middle = 0.14, [0, 0.1 + 0.3 * e.mouth_open]
    sketch.paint(ellipse(0, y + middle[1] + 0.11, 0.2, 0.05), skin * 0.55, opacity=0.5, blur=0.05, depth=depth)
    sketch.paint(np.vstack([outer_top, inner_top[::-1]]), lips * 0.85, blur=0.012, depth=depth)
    sketch.paint(np.vstack([inner_low, outer_low[::-1]]), lips, blur=0.012, depth=depth)
    shine = np.column_stack([0.5 * x, inner_low[:, 1] + 0.5 * thick])
    sketch.paint(shine, lips * 1.25 + 20, opacity=0.35, blur=0.02, depth=depth, width=0.03)
    opening = np.vstack([inner_top, inner_low[::-1]])
    if raised + dropped > 0.02:
        sketch.paint(opening, (52, 16, 18), depth=depth)
        tongue = ellipse(0, y + 0.32 * e.mouth_open, 0.6 * half, 0.1 * e.mouth_open + 0.01)
        sketch.paint(tongue, (150, 70, 70), opacity=0.7, blur=0.03, depth=depth, inside=opening)
        bite = min(0.4 * (raised + dropped), 0.085) + 0.06 * e.teeth
        teeth = np.vstack([inner_top * [0.85, 1], (inner_top * [0.85, 1] + [0, bite])[::-1]])
        sketch.paint(teeth, (228, 222, 208), opacity=0.95, blur=0.012, depth=depth, inside=opening)
    else:
        sketch.paint(inner_top, lips * 0.35, opacity=0.85, blur=0.01, depth=depth, width=0.012)
    for side in (0, -1):
        sketch.paint(ellipse(*outer_top[side], 0.03, 0.025), skin * 0.4, opacity=0.6, blur=0.02, depth=depth)


def _head_outline(wide, jaw, chin):
    """Return the outline of a head, clockwise from the crown."""
    angle = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    x, y = np.sin(angle), -np.cos(angle)
    # Below the cheekbones the outline narrows to the width of the jaw, then curves to the chin.
    taper = np.where(y > 0, 1 - (1 - jaw) * np.clip(y, 0, 1) ** 1.6, 1.0)
    fuller = np.where(y > 0, np.abs(x) ** 0.72 * np.sign(x), x)
    return np.column_stack([wide * fuller * taper, np.where(y > 0, y * chin, -y * _CROWN)])


def _triple(colour):
    return tuple(int(value) for value in np.clip(colour, 0, 255))
