"""Conversion of decoded frames to RGB images as they are displayed, and the reading of still images."""

import warnings
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from savee_mm._validation import ClipError
from savee_mm.media._container import ERRORS, damaged

# Aspect ratios of a pixel outside of this range are errors of a header.
_LARGEST_ASPECT = 10
# First bytes of still images, and the decoder of each.
_DECODERS = {
    b"\xff\xd8\xff": "mjpeg",
    b"\x89PNG": "png",
    b"RIFF": "webp",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"BM": "bmp",
}
_ORIENTATION_TAG = 0x0112
# Orientation of EXIF -> whether rows and columns are swapped, then whether rows and columns are reversed.
_EXIF = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
_UPRIGHT = (False, False, False)


class ImageConverter:
    """Convert the decoded frames of one video to images of one size, as they are displayed.

    Pixels become square by scaling the width, as with FFmpeg's ``scale=iw*sar:ih``. Images are rotated and mirrored
    by the display matrix. A frame of another size than the first one is scaled to fit into it, with black borders.

    Parameters
    ----------
    file : Path
        The file, for messages.
    stream : av.VideoStream
        Stream of the frames.
    max_pixels : int or None
        Largest number of pixels of an image.
    """

    def __init__(self, file, stream, max_pixels):
        self._file = file
        self._stream = stream
        self._max_pixels = max_pixels
        self._size = None  # (width, height) of the images
        self._codec_aspect = None  # of a pixel, in the first frame
        # FFmpeg's scaler. Filling its tables takes longer than converting a small image.
        self._reformatter = VideoReformatter()
        check_pixels(file, stream.codec_context.width, stream.codec_context.height, max_pixels)

    def __call__(self, frame):
        """Convert a frame.

        Parameters
        ----------
        frame : av.VideoFrame
            Of any pixel format.

        Returns
        -------
        image : ndarray of shape (height, width, 3), uint8

        Raises
        ------
        ValueError
            If the decoder marks the frame as damaged.
        ClipError
            If it has too many pixels.
        """
        if frame.is_corrupt:
            raise ValueError("a damaged frame")
        orientation = _orientation(frame)
        width = max(1, round(frame.width * self._aspect()))
        check_pixels(self._file, width, frame.height, self._max_pixels)
        size = (frame.height, width) if orientation[0] else (width, frame.height)
        self._size = self._size or size
        size = _fit(size, self._size)
        # One thread: starting more takes longer than converting a small image, and worker processes use the other
        # cores.
        scaled = size[::-1] if orientation[0] else size
        image = self._reformatter.reformat(frame, *scaled, format="rgb24", threads=1).to_ndarray()
        return _pad(orient(image, orientation), self._size)

    def _aspect(self):
        """Return the aspect ratio of a pixel: that of the container, unless that of the codec changes midway."""
        codec = self._stream.codec_context.sample_aspect_ratio
        if self._size is None:
            self._codec_aspect = codec
        aspect = codec if codec != self._codec_aspect else self._stream.sample_aspect_ratio or codec
        return aspect if aspect and Fraction(1, _LARGEST_ASPECT) <= aspect <= _LARGEST_ASPECT else 1


def orient(image, orientation):
    """Return an image whose rows and columns are swapped, then reversed, as ``orientation`` states."""
    swapped, rows, columns = orientation
    image = image.swapaxes(0, 1) if swapped else image
    return image[:: -1 if rows else 1, :: -1 if columns else 1]


def check_pixels(file, width, height, max_pixels):
    """Raise ClipError if an image has more than ``max_pixels``."""
    if max_pixels is not None and width * height > max_pixels:
        raise ClipError(
            f"images of {width} x {height} pixels are larger than {max_pixels} pixels; scale them down, or call "
            "read_frames with a larger max_pixels",
            path=file,
        )


def read_still(file, max_pixels):
    """Return the image in a file of one still image, None if it is of another kind.

    It is decoded once. Its size and its orientation are read from its header before.

    Raises
    ------
    ClipError
        If it has too many pixels or cannot be decoded.
    """
    with file.open("rb") as stream:
        head = stream.read(12)
    codec = next((codec for mark, codec in _DECODERS.items() if head.startswith(mark)), None)
    if codec is None or (codec == "webp" and head[8:] != b"WEBP") or file.suffix.lower() in (".mjpeg", ".mjpg"):
        return None
    orientation = _still_orientation(file, max_pixels)
    if orientation is None:
        return None
    if codec == "tiff" and (image := _jpeg_in_tiff(file)) is not None:
        return orient(image, orientation)
    decoder = av.CodecContext.create(codec, "r")
    try:
        frames = [*decoder.decode(av.Packet(file.read_bytes())), *decoder.decode(None)]
        if not frames or frames[0].is_corrupt:
            raise ValueError("no image")
    except ERRORS as error:
        raise damaged(file, error, None) from error
    frame = frames[0]
    image = VideoReformatter().reformat(frame, frame.width, frame.height, format="rgb24", threads=1).to_ndarray()
    return orient(image, orientation)


def _jpeg_in_tiff(file):
    """Return the image in a TIFF file with JPEG compression, None for others. FFmpeg 8 decodes these as black."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            is_jpeg = image.info.get("compression") in ("jpeg", "tiff_jpeg")
            return np.asarray(image.convert("RGB")) if is_jpeg else None
    except (OSError, SyntaxError, ValueError) as error:
        raise damaged(file, error, None) from error


def _still_orientation(file, max_pixels):
    """Return the orientation of a still image by its EXIF tag, None if the file has several or none."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(file) as image:
                check_pixels(file, *image.size, max_pixels)
                if getattr(image, "is_animated", False) and image.format in ("PNG", "WEBP"):
                    return None
                # The method of the base class, for that of PNG decodes the image.
                return _EXIF.get(Image.Image.getexif(image).get(_ORIENTATION_TAG), _UPRIGHT)
        except Image.DecompressionBombError as error:
            raise ClipError(f"an image of too many pixels ({error}); scale it down", path=file) from error
        except ClipError:
            raise
        except Exception:  # of many kinds; FFmpeg states what is wrong with the image
            return None


def _orientation(frame):
    """Return how a frame is displayed, by its display matrix (ISO/IEC 14496-12, 6.2.2)."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # some versions of PyAV do not know all types of side data
        turns = round((getattr(frame, "rotation", 0) or 0) / 90) % 4
        return (_UPRIGHT, _EXIF[8], _EXIF[3], _EXIF[6])[turns]
    if matrix is None:
        return _UPRIGHT
    # x' = a x + c y, y' = b x + d y; an angle between is rounded to the next quarter turn.
    a, b, _, c, d = np.frombuffer(bytes(matrix), "<i4")[:5].astype(float)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, d < 0, a < 0
    return True, b < 0, c < 0


def _fit(size, target):
    """Return the largest (width, height) of the same shape that fits into ``target``."""
    scale = min(target[0] / size[0], target[1] / size[1])
    fitted = tuple(max(1, round(side * scale)) for side in size)
    # Rounding of one pixel needs no border.
    return target if max(abs(a - b) for a, b in zip(fitted, target, strict=True)) <= 1 else fitted


def _pad(image, size):
    """Return an image in the middle of a black one of that (width, height)."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    padded = np.zeros((height, width, 3), np.uint8)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    padded[top : top + image.shape[0], left : left + image.shape[1]] = image
    return padded
