"""Media: one file in, samples out, or frames with the times at which they are shown.

Sound is read by soundfile, or by PyAV where it lies in a video container; pictures are read by PyAV and
chosen by time stamp. Whatever a file has wrong with it, the error is a :class:`savee_mm.ClipError` that says
what was found and what to do about it.
"""

from savee_mm.media.audio import read_audio
from savee_mm.media.envelope import read_envelope
from savee_mm.media.frames import map_frames, read_frames

__all__ = ["map_frames", "read_audio", "read_envelope", "read_frames"]
