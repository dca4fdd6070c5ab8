"""predict_stream: predictions while a recording is still running."""

from collections.abc import Iterable, Iterator

import numpy as np
from sklearn.base import BaseEstimator

from savee_mm.inference._events import Frame, in_order, in_pieces, thinned
from savee_mm.inference.files import allows_missing, modalities_read
from savee_mm.inference.windows import WindowClassifier, WindowPrediction, check_settings, slide
from savee_mm.vision.faces import check_image


def predict_stream(
    model: BaseEstimator,
    *,
    frames: Iterable[tuple[float, np.ndarray]] | None = None,
    sound: Iterable[np.ndarray] | None = None,
    sr: float | None = None,
    window: float = 3.0,
    hop: float = 1.0,
    fps: float = 10.0,
    min_voice: float = 0.2,
    min_confidence: float = 0.0,
) -> Iterator[WindowPrediction]:
    """Predict frames and sound as they arrive, from a camera, a microphone or a pipe.

    Parameters
    ----------
    model : estimator
        A fitted classifier over the clip table, with ``predict_proba``.
    frames : iterable of (float, ndarray), default=None
        Time (s) and image (height, width, 3), uint8 RGB, in the order of time. The clock is that of the sound, whose
        first sample is at 0.
    sound : iterable of ndarray of shape (n_samples,), default=None
        Consecutive blocks of mono samples in [-1, 1], of any length.
    sr : float, default=None
        Sample rate (Hz).
    window, hop, fps, min_voice, min_confidence : float
        As in :class:`EmotionTimeline`.

    Returns
    -------
    predictions : iterator of WindowPrediction
        One every ``hop`` seconds, for the last ``window`` seconds. Its ``delay`` (s) is the time from the end of the
        window: the wait for the next frame and the next 50 ms of sound, and the computation.

    Raises
    ------
    TypeError
        If the model has no ``predict_proba``.
    ValueError
        If a parameter is out of its range, frames and sound are both missing, the model needs the one that is missing,
        or a frame is not an image or a block of sound not an array of mono floats.

    Notes
    -----
    The model predicts in this thread, between two frames: a source that drops data needs a thread and a queue of its
    own. Sound and frames are read in turns, by their times: if one of them stops, the other is not read further.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm import predict_stream
    >>> blocks = (np.zeros(1600, np.float32) for _ in range(100))
    >>> for prediction in predict_stream(model, sound=blocks, sr=16000):  # doctest: +SKIP
    ...     print(prediction.end, prediction.emotion, f"{prediction.delay:.2f} s late")
    """
    settings = {"min_voice": min_voice, "min_confidence": min_confidence}
    check_settings(model, "predict_stream", window=window, hop=hop, fps=fps, **settings)
    _check_sources(model, {"audio": sound, "video": frames}, sr)
    sources = [] if sound is None else [_pieces(sound, sr)]
    sources += [] if frames is None else [_frames(frames, fps)]
    origin = None if sound is None else 0.0
    return _classified(model, slide(in_order(sources), window, hop, origin), settings)


def _classified(model, windows, settings):
    with WindowClassifier(model, **settings) as classify:
        yield from map(classify, windows)


def _check_sources(model, sources, sr):
    given = [name for name, source in sources.items() if source is not None]
    needed = modalities_read(model)
    names = {"audio": "sound", "video": "frames"}
    if not given or (set(needed) - set(given) and not (allows_missing(model) and set(needed) & set(given))):
        raise ValueError(
            f"predict_stream got {' and '.join(names[name] for name in given) or 'nothing'}, and this model reads "
            f"{' and '.join(names[name] for name in needed)}: pass {'both' if len(needed) > 1 else 'that'}."
        )
    if sources["audio"] is not None and not (isinstance(sr, (int, float)) and sr > 0):
        raise ValueError(f"predict_stream needs sr, the sample rate of the sound in Hz, got {sr!r}.")


def _pieces(sound, sr):
    n_samples = 0
    for block in sound:
        block = np.asarray(block)
        if block.ndim != 1 or block.dtype.kind != "f":
            raise ValueError(
                f"Expected blocks of sound of shape (n_samples,) and type float with full scale at 1, got shape "
                f"{block.shape} and type {block.dtype}; average the channels, divide int16 by 32768."
            )
        if not np.isfinite(block).all():
            raise ValueError(f"The block of sound at {n_samples / sr:.2f} s has samples that are NaN or infinite.")
        yield from in_pieces(n_samples / sr, block.astype(np.float32, copy=False), sr)
        n_samples += len(block)


def _frames(frames, fps):
    last = -np.inf
    for time, image in thinned(frames, fps):
        if not time >= last:
            raise ValueError(f"Expected frames in the order of time, got one at {time!r} s after one at {last!r} s.")
        last = time
        yield Frame(float(time), check_image(image))
