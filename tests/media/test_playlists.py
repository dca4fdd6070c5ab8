"""Playlists never open the files that they name."""

import numpy as np
import pytest
import soundfile

from savee_mm import ClipError
from savee_mm.media import read_audio, read_frames

PLAYLISTS = {
    "list.ffconcat": "ffconcat version 1.0\nfile tone.wav\n",
    "list.wav": "ffconcat version 1.0\nfile tone.wav\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ntone.wav\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("read", [read_audio, read_frames])
@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlist_is_refused(tmp_path, name, read):
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(16000) / 5), 16000)
    (tmp_path / name).write_text(PLAYLISTS[name])
    with pytest.raises(ClipError, match="not an audio or video file"):
        read(tmp_path / name)
