"""Recordings for browsers: playable ones are copied, others converted on the same clock."""

import base64

import av
import numpy as np
import pytest
import soundfile

from savee_mm import ClipError, read_audio, read_frames
from savee_mm.inference._events import first_times
from savee_mm.inference.playback import data_url, is_playable, write_playable


def test_avi_becomes_mp4_with_the_same_sound_and_frames(corpus, tmp_path):
    source = corpus.data["video"].iloc[0]
    assert not is_playable(source)
    copy = write_playable(source, tmp_path / "talk.media")
    assert copy == tmp_path / "talk.media.mp4"
    assert is_playable(copy)
    (before, times), (after, new_times) = read_frames(source, 4), read_frames(copy, 4)
    np.testing.assert_allclose(new_times, times, atol=1e-3)
    assert np.abs(after.astype(float) - before).mean() < 5
    (before, sr), (after, _) = read_audio(source), read_audio(copy, 22050)
    n = min(len(before), len(after))
    assert sr == 22050
    assert np.corrcoef(before[:n], after[:n])[0, 1] > 0.98


def test_playable_files_are_copied(corpus, tmp_path):
    source = corpus.data["audio"].iloc[0]
    copy = write_playable(source, tmp_path / "talk")
    assert copy.name == "talk.wav"
    with open(source, "rb") as file:
        assert copy.read_bytes() == file.read()
    kind, _, content = data_url(copy).partition(",")
    assert kind == "data:audio/wav;base64"
    assert base64.b64decode(content) == copy.read_bytes()


def encode_mp3(path, y, sr, cover=None):
    """Write MP3, with a picture as cover if there is one."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=sr, layout="mono")
        picture = None if cover is None else container.add_stream("mjpeg", rate=1)
        if picture is not None:
            picture.height, picture.width = cover.shape[:2]
            picture.pix_fmt = "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            for packet in picture.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")):
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.float32(y)[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = sr, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("cover", [None, np.full((32, 32, 3), 90, np.uint8)], ids=["plain", "cover"])
def test_mp3_is_copied(tmp_path, tone, cover):
    encode_mp3(tmp_path / "tone.mp3", tone(220.0, 1.0, 16000), 16000, cover)
    copy = write_playable(tmp_path / "tone.mp3", tmp_path / "copy")
    assert copy.name == "copy.mp3"
    assert copy.read_bytes() == (tmp_path / "tone.mp3").read_bytes()


def test_clock_of_the_copy_starts_at_0(late, tmp_path):
    modality, path = late
    copy = write_playable(path, tmp_path / "copy")
    starts = first_times(copy)
    assert starts[modality] == pytest.approx(1.5, abs=0.03)
    assert min(starts.values()) == pytest.approx(0, abs=0.03)


def test_recordings_whose_time_stamps_begin_later_are_converted(tmp_path, corpus):
    early = write_playable(corpus.data["video"].iloc[0], tmp_path / "early")
    assert is_playable(early)
    with av.open(str(early)) as source, av.open(str(tmp_path / "late.mp4"), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                shift = round(3 / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    assert not is_playable(tmp_path / "late.mp4")
    copy = write_playable(tmp_path / "late.mp4", tmp_path / "copy")
    assert is_playable(copy)
    assert min(first_times(copy).values()) == pytest.approx(0, abs=0.05)


def test_sound_of_another_format_becomes_aac(tmp_path, tone):
    soundfile.write(tmp_path / "tone.aiff", tone(220.0, 1.0, 16000), 16000)
    assert write_playable(tmp_path / "tone.aiff", tmp_path / "copy").name == "copy.m4a"
    y, _ = read_audio(tmp_path / "copy.m4a", 16000)
    assert np.abs(np.fft.rfft(y[:16000])).argmax() == pytest.approx(220, abs=1)


def test_large_recordings_are_not_embedded(tmp_path):
    with open(tmp_path / "long.mp4", "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(ClipError, match=r"200 MB are too many .* leave embed out"):
        data_url(tmp_path / "long.mp4")
