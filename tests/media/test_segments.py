"""Segments of files: equal to slices of the whole file, for any format, and errors for times outside of it."""

from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest
import soundfile

from savee_mm import ClipError, ClipWarning, Segment
from savee_mm.media import read_audio, read_envelope, read_frames

SR = 16000
SECONDS = 12.0
TIMES = [(0, 1), (1.23457, 3.3), (7.00011, 9.5), (10.9, 12)]


def chirp(seconds=SECONDS, sr=SR):
    t = np.arange(round(seconds * sr)) / sr
    return 0.5 * np.sin(2 * np.pi * (300 + 20 * t) * t)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_24"), ("CAF", "FLOAT"), ("OGG", "VORBIS")],
)
@pytest.mark.parametrize(("start", "end"), TIMES)
def test_files_are_cut_exactly(tmp_path, kind, subtype, start, end):
    path = tmp_path / "long.bin"
    soundfile.write(path, chirp(), SR, format=kind, subtype=subtype)
    y, sr = read_audio(path)
    np.testing.assert_array_equal(read_audio(Segment(path, start, end))[0], y[round(start * sr) : round(end * sr)])


@pytest.mark.parametrize(
    ("suffix", "codec", "tolerance"),
    [
        ("mp3", "libmp3lame", 1e-6),
        ("m4a", "aac", 1e-4),  # FFmpeg's decoder synthesizes noise bands from random numbers
        ("aac", "aac", 1e-4),
        ("opus", "libopus", 1e-4),  # recovers from a seek within the pre-roll
        ("webm", "libopus", 1e-4),
        ("ts", "mp2", 2**-14),  # integers, dithered
        ("flv", "aac", 1e-4),
        ("ac3", "ac3", 1e-4),  # so does that of AC-3
        ("avi", "libmp3lame", 1e-6),
        ("wav", "adpcm_yamaha", 1e-6),
        ("vob", "ac3", 1e-4),
    ],
)
def test_streams_are_cut_exactly(write_audio, suffix, codec, tolerance):
    sr = 48000
    path = write_audio(f"long.{suffix}", chirp(sr=sr), sr, codec)
    y, sr = read_audio(path)
    for start, end in TIMES[:3]:
        segment, rate = read_audio(Segment(path, start, end))
        assert rate == sr
        np.testing.assert_allclose(segment, y[round(start * sr) : round(end * sr)], atol=tolerance)


def test_time_stamps_in_ms_are_exact_to_1_ms(tmp_path):
    """Matroska rounds time stamps, and the frames of Vorbis differ in length."""
    sr = 44100
    soundfile.write(tmp_path / "long.ogg", chirp(sr=sr), sr, subtype="VORBIS")
    with av.open(str(tmp_path / "long.ogg")) as source, av.open(str(tmp_path / "long.mka"), "w") as container:
        stream = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    y = read_audio(tmp_path / "long.mka")[0]
    for start in (7.0, 8.5):
        middle = read_audio(Segment(tmp_path / "long.mka", start, start + 1))[0][100:-100]
        places = round(start * sr) + 100 + np.arange(-44, 45)
        assert min(np.abs(y[place : place + len(middle)] - middle).max() for place in places) < 1e-6


def test_segments_of_vorbis_begin_between_blocks_of_any_length(tmp_path):
    sr = 44100
    t = np.arange(8 * sr) / sr
    bursts = 0.5 * np.random.default_rng(0).uniform(-1, 1, t.size) * np.exp(-30 * (t % 0.2))
    soundfile.write(tmp_path / "long.ogg", bursts, sr, subtype="VORBIS")
    y, _ = read_audio(tmp_path / "long.ogg")
    for start in np.arange(4, 7, 0.13):
        segment, _ = read_audio(Segment(tmp_path / "long.ogg", start, start + 0.3))
        np.testing.assert_allclose(segment, y[round(start * sr) :][: len(segment)], atol=1e-5)


def test_gaps_are_silence_in_segments_too(write_audio):
    path = write_audio("gap.mka", chirp(), SR, "pcm_s16le", keep=lambda time: not 5 <= time < 8)
    y = read_audio(path)[0]
    for start, end in [(4.5, 5.5), (5.5, 7.0), (7.5, 9.0)]:
        segment = read_audio(Segment(path, start, end))[0]
        assert len(segment) == round((end - start) * SR)
        np.testing.assert_allclose(segment, y[round(start * SR) : round(end * SR)], atol=1e-6)


def test_joined_recordings_have_one_clock(tmp_path):
    first, second, joined = (tmp_path / f"{name}.flac" for name in "abc")
    soundfile.write(first, chirp(2.0), SR)
    soundfile.write(second, chirp(3.0), SR)
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    y = read_audio(joined)[0]
    for start, end in [(0.5, 1.5), (1.5, 2.5), (3.0, 4.5)]:
        np.testing.assert_array_equal(
            read_audio(Segment(joined, start, end))[0], y[round(start * SR) : round(end * SR)]
        )


def test_joined_flac_files_of_other_channels(tmp_path):
    first, second = tmp_path / "a.flac", tmp_path / "b.flac"
    soundfile.write(first, np.stack([chirp(4.0, 48000)] * 2, axis=1), 48000)
    soundfile.write(second, chirp(4.0, 24000), 24000)
    second.write_bytes(first.read_bytes() + second.read_bytes())
    y, _ = read_audio(second)
    for start in (0.5, 2.5, 3.4, 5.0):
        segment, _ = read_audio(Segment(second, start, start + 0.5))
        # The second file is resampled, in a segment without the samples around it.
        middle = slice(round(start * 48000) + 300, round((start + 0.5) * 48000) - 300)
        np.testing.assert_allclose(segment[300:-300], y[middle], atol=1e-5)


def test_joined_mp3_files_have_one_clock(write_audio):
    """The first frame of the second file, the tag of its encoder, is decoded as silence."""
    sr = 44100
    first, second = (
        write_audio("a.mp3", chirp(5.0, sr), sr, "libmp3lame"),
        write_audio("b.mp3", chirp(8.0, sr), sr, "libmp3lame"),
    )
    second.write_bytes(first.read_bytes() + second.read_bytes())
    y, _ = read_audio(second)
    for start in (6.0, 9.3):
        segment, _ = read_audio(Segment(second, start, start + 1))
        np.testing.assert_allclose(segment, y[round(start * sr) :][: len(segment)], atol=1e-6)


def test_channels_are_mixed_and_resampled_as_in_a_file_of_the_segment(tmp_path):
    """A channel that is silent in the segment is not part of the mean, whatever it holds elsewhere."""
    channels = np.stack([chirp(), chirp()], axis=1)
    channels[: 6 * SR, 1] = 0
    soundfile.write(tmp_path / "long.wav", channels, SR)
    soundfile.write(tmp_path / "part.wav", channels[2 * SR : 4 * SR], SR)
    segment = read_audio(Segment(tmp_path / "long.wav", 2, 4), sr=8000)
    part = read_audio(tmp_path / "part.wav", sr=8000)
    np.testing.assert_array_equal(segment[0], part[0])
    assert np.abs(segment[0]).max() == pytest.approx(0.5, abs=0.01)


# ---- video


@pytest.fixture
def video(tmp_path, audio_packets, video_packets):
    """Write 12 s of grey frames, brighter by 20 every second, with audio: ``video(name, codec, audio_codec)``."""

    def write(name, codec, audio_codec="aac", sr=44100):
        images = [np.full((32, 48, 3), 10 + 20 * (i // 10), np.uint8) for i in range(120)]
        with av.open(str(tmp_path / name), "w") as container:
            pictures = container.add_stream(codec, rate=10)
            pictures.height, pictures.width, pictures.pix_fmt = 32, 48, "yuv420p"
            pictures.codec_context.gop_size = 25
            sound = container.add_stream(audio_codec, rate=sr, layout="mono")
            packets = [*video_packets(pictures, images), *audio_packets(sound, chirp(sr=sr), sr)]
            for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
                container.mux(packet)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("name", "codec", "audio_codec"),
    [
        ("a.mp4", "libx264", "aac"),
        ("a.mkv", "libx264", "pcm_s16le"),
        ("a.avi", "mpeg4", "mp2"),
        ("a.ts", "libx264", "mp2"),
        ("a.mpg", "mpeg2video", "mp2"),
    ],
)
def test_frames_and_audio_of_a_segment_share_a_clock(video, name, codec, audio_codec):
    path = video(name, codec, audio_codec)
    everything, times = read_frames(path, 120)
    zero = min(times[0], read_envelope(path)[1][0] - 0.01)
    for start, end in [(0, 2), (4.5, 7.0), (8.05, 8.1)]:
        frames, shown = read_frames(Segment(path, start, end), 3)
        inside = (times >= zero + start - 1e-3) & (times < zero + end - 1e-3)
        first = np.flatnonzero(inside)[0] if inside.any() else np.flatnonzero(times < zero + start)[-1]
        assert shown[0] == pytest.approx(times[first], abs=1e-3)
        np.testing.assert_array_equal(frames[0], everything[first])
        assert (np.diff(shown) >= 0).all()
        assert shown[-1] < zero + end
        centres = read_envelope(Segment(path, start, end))[1]
        assert centres[0] == pytest.approx(zero + start + 0.01, abs=0.03)
        assert centres[-1] == pytest.approx(zero + end - 0.01, abs=0.03)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_frames_before_a_pause_are_read_where_later_ones_are_decoded_first(tmp_path, name):
    """Frames at 0 to 0.92 s, then from 3.96 s on; with two B-frames, a frame after the pause precedes two before it."""
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2", "b-adapt": "0", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 4 * i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i * 40 + (3000 if i >= 24 else 0), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    times = 0.04 * np.arange(24)
    for start, end in [(0.5, 1.2), (0.86, 0.95)]:
        _, shown = read_frames(Segment(tmp_path / name, start, end), 60)
        expected = times[(times >= start) & (times < end)]
        np.testing.assert_allclose(np.unique(shown), expected, atol=1e-3)


def test_still_image_is_shown_all_the_time(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    Image.fromarray(np.full((8, 8, 3), 77, np.uint8)).save(tmp_path / "face.png")
    frames, _ = read_frames(Segment(tmp_path / "face.png", 5, 6), 2)
    assert (frames == 77).all()


# ---- bad input


@pytest.mark.parametrize(
    ("start", "end"), [(2, 1), (1, 1), (-1, 1), (np.nan, 1), (1, None), (0, np.inf), ("0", 1), (True, 2), (pd.NA, 1)]
)
def test_times_that_are_no_segment_are_an_error_with_the_remedy(start, end):
    with pytest.raises(ClipError, match=r"'long' \(long.wav\): expected .*; (correct the times|give both times)"):
        Segment("long.wav", start, end)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.mp3", "libmp3lame")])
def test_segment_after_the_end_is_an_error_and_one_that_ends_late_a_warning(write_audio, name, codec):
    path = write_audio(name, chirp(2.0, 44100), 44100, codec)
    with pytest.raises(ClipError, match=r"starts at 30 s, and the file ends at 2\.\d+ s; correct the times"):
        read_audio(Segment(path, 30, 31))
    with pytest.warns(ClipWarning, match=r"the segment ends at 3 s, and the file at 2\.\d+ s"):
        assert read_audio(Segment(path, 1, 3))[0].size == pytest.approx(44100, abs=2500)


def test_frames_after_the_end_are_an_error_and_a_late_end_a_warning(write_images):
    path = write_images("a.mp4", [np.full((32, 32, 3), i, np.uint8) for i in range(50)])
    with pytest.raises(ClipError, match=r"starts at 3 s, and the file ends at 2\.000 s"):
        read_frames(Segment(path, 3, 4))
    with pytest.warns(ClipWarning, match="ends at 4 s, and the file at"):
        read_frames(Segment(path, 1, 4))


def test_segment_before_the_audio_is_missing_audio(tmp_path, audio_packets, video_packets):
    with av.open(str(tmp_path / "late.mkv"), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.height, pictures.width, pictures.pix_fmt = 32, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=SR, layout="mono")
        packets = list(video_packets(pictures, [np.zeros((32, 48, 3), np.uint8)] * 60))
        for packet in audio_packets(sound, chirp(2.0), SR):
            packet.pts = packet.dts = packet.pts + 3 * SR
            packets.append(packet)
        for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
            container.mux(packet)
    with pytest.raises(ClipError, match=r"missing audio: the audio of the file begins at 3\.000 s"):
        read_audio(Segment(tmp_path / "late.mkv", 0.5, 2))
    assert read_audio(Segment(tmp_path / "late.mkv", 2, 4))[0].size == SR


@pytest.mark.parametrize(("modality", "segment"), [("video", (0.5, 1.5)), ("audio", (5, 6)), ("video", (8.5, 9))])
def test_segment_outside_one_modality_lacks_it(tmp_path, audio_packets, video_packets, modality, segment):
    """Images from 2 to 8 s, and sound that ends before or after them."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        images = container.add_stream("mpeg4", rate=10)
        images.height, images.width, images.pix_fmt = 32, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=SR, layout="mono")
        packets = list(audio_packets(sound, chirp(10.0 if segment[0] > 8 else 4.0), SR))
        for packet in video_packets(images, [np.zeros((32, 48, 3), np.uint8)] * 60):
            packet.pts, packet.dts = packet.pts + 20, packet.dts + 20
            packets.append(packet)
        for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
            container.mux(packet)
    with pytest.raises(ClipError, match=f"missing {modality}: the {modality} of the file (begins|ends) at"):
        (read_audio if modality == "audio" else read_frames)(Segment(path, *segment))
