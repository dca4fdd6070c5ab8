"""A window as files that any extractor reads: its sound as wav, its pictures without loss."""

from fractions import Fraction

import av
import numpy as np
import soundfile

_TICKS = 10_000  # a second


def write_window(folder, window, modalities):
    """Write what a window holds.

    Parameters
    ----------
    folder : Path
        Where; files of the window before are replaced.
    window : Window
        What to write.
    modalities : list of str
        ``"audio"``, ``"video"`` or both.

    Returns
    -------
    paths : dict of str to str
        By modality, for those that the window has. The video has the sound as well, for extractors that listen to it.
    """
    paths = {}
    if "audio" in modalities and window.samples.size:
        paths["audio"] = str(folder / "window.wav")
        soundfile.write(paths["audio"], window.samples, round(window.sr), subtype="FLOAT")
    if "video" in modalities and window.pictures:
        paths["video"] = str(folder / "window.nut")
        _write_video(paths["video"], window)
    return paths


def _write_video(path, window):
    height, width = window.pictures[0][1].shape[:2]
    with av.open(path, "w") as container:
        stream = container.add_stream("rawvideo", rate=_TICKS)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        sound = None
        if window.samples.size:
            sound = container.add_stream("pcm_f32le", rate=round(window.sr), layout="mono")
        for time, pixels in window.pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round(time * _TICKS), Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(_sound_frame(window)))
            container.mux(sound.encode(None))


def _sound_frame(window):
    samples = np.ascontiguousarray(window.samples, np.float32)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
    frame.rate, frame.pts = round(window.sr), 0
    frame.time_base = Fraction(1, round(window.sr))
    return frame
