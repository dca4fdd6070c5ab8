"""Audio of one file: mono samples at the requested rate."""

import math
import os
from numbers import Real

import av
import numpy as np
import soundfile
import soxr

from savee_mm._validation import ClipError
from savee_mm.media._container import check_file, check_riff, check_whole, damaged, open_container

# Formats that libsndfile reads better than FFmpeg: no container, no decoder delay to guess.
_SOUND_FILES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"}


def read_audio(path: str | os.PathLike[str], sr: float | None = None) -> tuple[np.ndarray, float]:
    """Read the audio of an audio or video file as mono float32 samples.

    Parameters
    ----------
    path : str or path-like
        An audio file (wav, flac, mp3, ogg ...) or a video with audio (avi, mp4, mpg, flv, mov ...).
    sr : float or None, default=None
        Rate (Hz) to resample to with soxr's HQ recipe; None keeps the rate of the recording.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
        Mean of the channels; full scale is 1. Lossy codecs and resampling overshoot it slightly; such samples are not
        clipped.
    sr : int or float
        Rate of ``y`` (Hz).

    Raises
    ------
    ClipError
        If the file is missing, a folder, empty, damaged, of an unknown format, or without an audio stream or samples,
        or if samples are not finite. A wav file that is shorter than its header states is an error ("cut short").
    ValueError
        If ``sr`` is not a positive number.

    Notes
    -----
    The first audio stream of a video is read from its first sample; its offset to the video stream is not applied.

    Examples
    --------
    >>> import tempfile, numpy as np, soundfile
    >>> from savee_mm.media import read_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/tone.wav", np.zeros((44100, 2)), 44100)
    ...     y, sr = read_audio(f"{folder}/tone.wav", sr=16000)
    >>> y.shape, sr
    ((16000,), 16000)
    """
    sr = _check_rate(sr)
    file = check_file(path)
    y, recorded_sr = _read_samples(file)
    if y.size == 0:
        raise ClipError(
            "no samples (0 s): an empty recording, or not an audio file; record or copy it again", path=file
        )
    if not np.isfinite(y).all():
        n_bad = int(y.size - np.isfinite(y).sum())
        raise ClipError(f"{n_bad} of {y.size} samples are NaN or infinite; export the recording again", path=file)
    if sr is None or sr == recorded_sr:
        return y, recorded_sr
    resampled = soxr.resample(y, recorded_sr, sr, quality="HQ")
    if resampled.size == 0:
        raise ClipError(
            f"too short: {y.size} samples at {recorded_sr} Hz are none at {sr} Hz; leave the clip out",
            path=file,
        )
    return resampled, sr


def _check_rate(sr):
    if sr is None:
        return None
    if isinstance(sr, bool) or not isinstance(sr, Real) or not math.isfinite(sr) or sr <= 0:
        raise ValueError(f"Expected sr to be a positive rate in Hz or None, got {sr!r}.")
    return int(sr) if sr == int(sr) else float(sr)


def _read_samples(file):
    if file.suffix.lower() in _SOUND_FILES:
        check_riff(file)
        try:
            return _read_with_soundfile(file)
        except soundfile.LibsndfileError:
            pass  # a format that this libsndfile does not know, or a wrong suffix: try FFmpeg
    return _read_with_av(file)


def _read_with_soundfile(file):
    with soundfile.SoundFile(file) as sound:
        try:
            samples = sound.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise damaged(file, error, None) from error
        # The length of an mp3 is an estimate, that of a flac is exact.
        if sound.format == "FLAC" and len(samples) < sound.frames:
            found, stated = len(samples) / sound.samplerate, sound.frames / sound.samplerate
            raise ClipError(
                f"cut short: expected {stated:.2f} s by its header, got {found:.2f} s; copy it again",
                path=file,
            )
        return _mono(samples.T), sound.samplerate


def _read_with_av(file):
    with open_container(file) as container:
        stream = audio_stream(file, container)
        blocks = [block for _, block in audio_blocks(file, container, stream)]
        y = np.concatenate(blocks) if blocks else np.empty(0, dtype=np.float32)
        return y, stream.rate


def audio_stream(file, container):
    """Return the first audio stream of an opened container.

    Raises
    ------
    ClipError
        If there is none, or the file is shorter than its header states.
    """
    if not container.streams.audio:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise ClipError(
            f"no audio stream (the file has: {held}); name an audio file in the column 'audio', or leave the clip out",
            path=file,
        )
    check_whole(file, container)
    return container.streams.audio[0]


def audio_blocks(file, container, stream):
    """Yield the time stamp (s, None if missing) and the mono samples of each block.

    Raises
    ------
    ClipError
        If it does not decode to its end.
    """
    to_float = av.AudioResampler(format="fltp")
    n_samples = 0
    try:
        for frame in container.decode(stream):
            for converted in to_float.resample(frame):
                block = _mono(converted.to_ndarray())
                n_samples += block.size
                yield frame.time, block
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise damaged(file, error, n_samples / stream.rate if n_samples else None) from error


def _mono(channels):
    return np.ascontiguousarray(channels[0]) if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32)
