"""Media: read samples, or frames with their time stamps, from one file.

Audio files are read by soundfile, the audio streams of video containers by PyAV. Frames are read by PyAV and chosen
by time stamp. A file that cannot be read raises a :class:`savee_mm.ClipError` that says what was found and how to
solve it.
"""

from savee_mm.media.audio import read_audio
from savee_mm.media.envelope import read_envelope
from savee_mm.media.folder import list_recordings, recording_suffixes
from savee_mm.media.frames import map_frames, read_frames

__all__ = ["list_recordings", "map_frames", "read_audio", "read_envelope", "read_frames", "recording_suffixes"]
