"""Missing modalities: when a clip has no audio or no video, and how errors and reports say so.

A modality of a clip is missing if

- the table has no column or no path for it;
- its file has no such stream (a muted video);
- its file or array holds nothing: :func:`is_silent` for audio, :func:`is_dark` for video.

Extractors raise a :class:`~savee_mm.ClipError` for such a clip, or fill it with ``on_error="fill"``. The reason in the
error and in ``failed_clips_`` comes from :func:`missing_reason`, and :func:`is_missing` recognizes it. Fusions predict
such a clip by its other modality, in :func:`fill_missing`; an unreadable file or a video without a face is an error,
not a missing modality.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

_PREFIX = "missing {}: "
# Two steps of 16-bit samples, full scale at 1: the range of dithered digital silence.
_QUANTIZATION = 2 / 2**15
# Of 255: above the black level of codecs and the noise of a covered camera.
_BLACK = 16


def is_silent(y: np.ndarray) -> bool:
    """Return whether audio holds nothing: digital silence, a muted track, or a constant.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Samples with full scale at 1, at their recorded rate. A quiet recording is not silent.

    Returns
    -------
    silent : bool
        Whether all samples are within two steps of 16-bit quantization.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm._missing import is_silent
    >>> is_silent(np.full(16000, 0.03)), is_silent(0.001 * np.sin(np.arange(16000)))
    (True, False)
    """
    return not y.size or float(y.max()) - float(y.min()) <= _QUANTIZATION


def is_dark(frames) -> bool:
    """Return whether video holds nothing: black frames.

    Parameters
    ----------
    frames : iterable of ndarray of shape (height, width, 3), uint8
        All sampled frames of the clip.

    Returns
    -------
    dark : bool
        Whether no value in any frame is above 16 of 255.
    """
    return all(frame.max() <= _BLACK for frame in frames)


def missing_reason(modality: str, what: str) -> str:
    """Return the reason of a :class:`~savee_mm.ClipError` for a missing modality.

    Parameters
    ----------
    modality : {"audio", "video"}
        The missing modality.
    what : str
        What came, and the remedy.

    Returns
    -------
    reason : str
    """
    return _PREFIX.format(modality) + what


def is_missing(reason: str) -> bool:
    """Return whether the reason of an error or of a row in ``failed_clips_`` is a missing modality.

    Parameters
    ----------
    reason : str
        ``ClipError.reason``.

    Returns
    -------
    missing : bool
    """
    return reason.startswith((_PREFIX.format("audio"), _PREFIX.format("video")))


_FILLS = ContextVar("savee_mm_fills_missing", default=False)


@contextmanager
def fill_missing():
    """Let extractors fill clips with a missing modality, whatever their ``on_error``.

    For a fusion, which predicts these clips by its other branches. Extractors list them in ``failed_clips_`` as with
    ``on_error="fill"``, without a warning. The context is that of the current thread.
    """
    token = _FILLS.set(True)
    try:
        yield
    finally:
        _FILLS.reset(token)


def fills_missing() -> bool:
    """Return whether the code runs in :func:`fill_missing`."""
    return _FILLS.get()


#: Reasons for a file or array that holds nothing.
SILENT = missing_reason("audio", "the recording is silent (digital silence or a constant); leave the clip out")
DARK = missing_reason("video", "all sampled frames are black; leave the clip out")
