"""Images as they are displayed: orientation, square pixels, changes of size; still images, and limits."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageOps

from savee_mm import ClipError
from savee_mm.media import map_frames, read_frames

ONE = 1 << 16
# Display matrices (ISO/IEC 14496-12, 6.2.2) of a 64 x 48 image, and what they show.
MATRICES = {
    "upright": ((ONE, 0, 0, ONE), lambda image: image),
    "mirrored": ((-ONE, 0, 0, ONE), lambda image: image[:, ::-1]),
    "flipped": ((ONE, 0, 0, -ONE), lambda image: image[::-1]),
    "half turn": ((-ONE, 0, 0, -ONE), lambda image: image[::-1, ::-1]),
    "quarter turn": ((0, ONE, -ONE, 0), lambda image: np.rot90(image, -1)),
    "three quarters": ((0, -ONE, ONE, 0), lambda image: np.rot90(image)),
    "transposed": ((0, ONE, ONE, 0), lambda image: image.swapaxes(0, 1)),
    "antitransposed": ((0, -ONE, -ONE, 0), lambda image: image[::-1, ::-1].swapaxes(0, 1)),
}


def colors(height=48, width=64, seed=0):
    """Return an image of random colours in blocks of 8 pixels."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return blocks.repeat(8, 0).repeat(8, 1)


def disc(height, width, aspect=1):
    """Return a grey disc on black, as it is stored with pixels of that aspect ratio."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.hypot((x - width / 2) * aspect, y - height / 2) < 0.4 * min(height, width * aspect)
    return np.where(inside, 200, 0).astype(np.uint8)[..., np.newaxis].repeat(3, 2)


def roundness(image):
    """Return width / height of what is bright."""
    bright = image.mean(axis=2) > 100
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return (np.ptp(columns) + 1) / (np.ptp(rows) + 1)


# ---- orientation


@pytest.mark.parametrize("name", MATRICES)
def test_display_matrix(write_images, name):
    path = write_images("a.mp4", [colors()] * 3)
    stored = read_frames(path, 2)[0]
    matrix, show = MATRICES[name]
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    a, b, c, d = matrix
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_frames(path, 2)[0], [show(image) for image in stored])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_exif_orientation_as_pillow(tmp_path, suffix, orientation):
    exif, path = Image.Exif(), tmp_path / f"a.{suffix}"
    exif[0x0112] = orientation
    Image.fromarray(colors()).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    frames, _ = read_frames(path, 2)
    assert frames.shape == (2, *expected.shape)
    if suffix == "jpg":  # whose decoders enlarge colours differently
        luma = np.array([0.299, 0.587, 0.114])
        assert np.abs((frames - expected.astype(float)) @ luma).mean() < 2
    else:
        np.testing.assert_array_equal(frames, [expected, expected])


# ---- square pixels


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.mov", "prores", "yuv422p10le"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
    ],
)
@pytest.mark.parametrize(("aspect", "width"), [(Fraction(2), 96), (Fraction(1, 2), 384), (Fraction(16, 15), 180)])
def test_pixels_become_square(write_images, name, codec, pix_fmt, aspect, width):
    path = write_images(name, [disc(192, width, float(aspect))] * 3, codec, pix_fmt, aspect)
    frames, _ = read_frames(path, 2)
    assert frames.shape == (2, 192, 192, 3)
    for image in frames:
        assert roundness(image) == pytest.approx(1, abs=0.03)


def test_dv_is_four_to_three(write_images):
    path = write_images("a.avi", [disc(576, 720, 16 / 15)] * 2, "dvvideo", aspect=Fraction(16, 15))
    frames, _ = read_frames(path, 1)
    assert frames.shape == (1, 576, 768, 3)
    assert roundness(frames[0]) == pytest.approx(1, abs=0.01)


def test_absurd_aspect_is_ignored(write_images):
    path = write_images("a.mkv", [disc(48, 48)] * 2, "libx264", aspect=Fraction(200))
    assert read_frames(path, 1)[0].shape == (1, 48, 48, 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [((96, 96, 1), (48, 96, 1)), ((48, 96, 1), (96, 96, 1)), ((96, 96, 1), (96, 48, 2)), ((96, 48, 2), (96, 96, 1))],
)
def test_size_that_changes_midway(write_images, first, second):
    """A transport stream of two parts: each shows a round disc, and keeps its shape inside the first size."""
    parts = []
    for i, (height, width, aspect) in enumerate((first, second)):
        images = [disc(height, width, aspect)] * 10
        parts.append(write_images(f"{i}.ts", images, "libx264", aspect=Fraction(aspect)).read_bytes())
    joined = write_images("0.ts", [disc(8, 8)]).with_name("joined.ts")
    joined.write_bytes(b"".join(parts))
    frames, _ = read_frames(joined, 6)
    assert frames.shape[1:3] == (first[0], first[1] * first[2])
    for image in frames:
        assert roundness(image) == pytest.approx(1, abs=0.05)


# ---- still images, limits


def test_function_is_called_once_for_a_still_image(tmp_path):
    Image.fromarray(colors()).save(tmp_path / "a.png")
    calls = []
    results, times = map_frames(lambda image: calls.append(image) or len(calls), tmp_path / "a.png", 6)
    assert results == [1] * 6
    assert not times.any()
    np.testing.assert_array_equal(calls[0], colors())


def test_animated_image_is_a_video(tmp_path):
    images = [Image.fromarray(colors(seed=seed)) for seed in range(3)]
    images[0].save(tmp_path / "a.png", save_all=True, append_images=images[1:], duration=100)
    frames, times = read_frames(tmp_path / "a.png", 3)
    np.testing.assert_array_equal(frames, [np.asarray(image) for image in images])
    np.testing.assert_allclose(times, [0, 0.1, 0.2])


def test_motion_jpeg_is_a_video(write_images):
    path = write_images(
        "a.mjpeg", [np.full((48, 64, 3), level, np.uint8) for level in (50, 100, 150)], "mjpeg", "yuvj420p"
    )
    np.testing.assert_allclose(read_frames(path, 3)[0].mean(axis=(1, 2, 3)), [50, 100, 150], atol=2)


def test_damaged_still_image(tmp_path):
    Image.fromarray(colors()).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:60])
    with pytest.raises(ClipError, match="cut short or damaged"):
        read_frames(tmp_path / "a.png")


def test_image_with_a_header_that_is_too_short(tmp_path):
    Image.fromarray(colors()).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    struct.pack_into(">I", content, 8, 3)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ClipError, match="cut short or damaged"):
        read_frames(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.mp4", "a.avi", "a.h264"])
def test_too_many_pixels(tmp_path, write_images, name):
    if name[2:] in ("jpg", "png"):
        path = tmp_path / name
        Image.fromarray(colors()).save(path)
    else:
        path = write_images(name, [colors()] * 3, "libx264" if name == "a.h264" else "mpeg4")
    assert read_frames(path, 2, max_pixels=64 * 48)[0].shape == (2, 48, 64, 3)
    assert read_frames(path, 2, max_pixels=None)[0].shape == (2, 48, 64, 3)
    with pytest.raises(ClipError, match="64 x 48 pixels are larger than 3071 pixels"):
        read_frames(path, 2, max_pixels=64 * 48 - 1)


def test_pixels_are_counted_before_memory_is_requested(tmp_path):
    """A header of 40000 x 40000 pixels, which would fill 4.8 GB, without an image."""
    Image.new("1", (8, 8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    for side, match in ((12000, "12000 x 12000 pixels are larger than 50000000 pixels"), (40000, "too many pixels")):
        struct.pack_into(">II", content, 16, side, side)
        struct.pack_into(">I", content, 29, zlib.crc32(content[12:29]))
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(ClipError, match=match):
            read_frames(tmp_path / "a.png")


@pytest.mark.parametrize("max_pixels", [0, -1, 2.5, True, "many"])
def test_bad_max_pixels(tmp_path, max_pixels):
    with pytest.raises(ValueError, match="max_pixels"):
        read_frames(tmp_path / "a.png", max_pixels=max_pixels)


def test_jpeg_in_tiff_is_not_black(tmp_path):
    image = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[np.newaxis, :, np.newaxis], 48, axis=0).repeat(3, axis=2)
    Image.fromarray(image).save(tmp_path / "a.tif", compression="jpeg")
    frames, _ = read_frames(tmp_path / "a.tif", 1)
    np.testing.assert_allclose(frames[0].astype(float), image, atol=12)  # JPEG's default quality
