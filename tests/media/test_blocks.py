"""Blocks of audio: joined recordings, changes of rate and channels, gaps, delays of codecs, the mix of channels."""

import av
import numpy as np
import pytest
import soundfile

from savee_mm import ClipError, ClipWarning, Segment
from savee_mm.media import read_audio, read_envelope, read_frames
from savee_mm.media._blocks import Downmix, audio_blocks, settled_mix

SR = 16000


def tone(frequency=200.0, seconds=1.0, sr=SR, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)


def burst(sr, seconds=4.0, start=3.0):
    """Return faint noise with a loud tone of 0.2 s."""
    y = np.random.default_rng(0).normal(0, 1e-3, round(seconds * sr))
    y[round(start * sr) : round((start + 0.2) * sr)] += tone(400, 0.2, sr)
    return y


def frequencies(y, sr, seconds=1.0):
    """Return the frequency of the strongest partial at the start and at the end (Hz)."""
    n = round(seconds * sr)
    return [np.argmax(np.abs(np.fft.rfft(part * np.hanning(n)))) * sr / n for part in (y[:n], y[-n:])]


# ---- joined recordings, changes of rate


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    # FFmpeg leaves out the last block of some Vorbis streams.
    [
        ("WAV", "PCM_16", 0),
        ("AIFF", "PCM_24", 0),
        ("AU", "FLOAT", 0),
        ("CAF", "PCM_16", 0),
        ("FLAC", "PCM_16", 0),
        ("OGG", "VORBIS", 0.04),
        ("OGG", "OPUS", 0.04),
    ],
)
@pytest.mark.parametrize(("sr", "n_channels"), [(16000, 1), (16000, 2), (48000, 1), (8000, 2)])
def test_joined_files_are_read_to_their_end(tmp_path, kind, subtype, tolerance, sr, n_channels):
    first, second, joined = (tmp_path / f"{name}.bin" for name in "abc")
    soundfile.write(first, tone(200, 2.0), SR, format=kind, subtype=subtype)
    soundfile.write(second, np.stack([tone(300, 2.0, sr)] * n_channels, 1), sr, format=kind, subtype=subtype)
    for paths, expected in (((first, second), [200, 300]), ((second, first), [300, 200])):
        joined.write_bytes(b"".join(path.read_bytes() for path in paths))
        y, rate = read_audio(joined)
        assert rate == (48000 if subtype == "OPUS" else read_audio(paths[0])[1])
        assert y.size / rate == pytest.approx(4, abs=tolerance + 1e-3)
        np.testing.assert_allclose(frequencies(y, rate), expected, atol=1)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("libmp3lame", "mp3"), ("aac", "aac"), ("mp2", "mp2"), ("ac3", "ac3"), ("aac", "ts"), ("mp2", "ts")],
)
@pytest.mark.parametrize("other", [(44100, "mono"), (44100, "stereo"), (48000, "stereo"), (32000, "mono")])
def test_stream_that_changes_midway(write_audio, codec, suffix, other):
    sr, layout = other
    n_channels = 2 if layout == "stereo" else 1
    first = write_audio(f"a.{suffix}", tone(200, 2.0, 44100), 44100, codec)
    second = write_audio(f"b.{suffix}", np.stack([tone(200, 2.0, sr)] * n_channels), sr, codec, layout)
    for paths, expected in (((first, second), 44100), ((second, first), sr)):
        joined = first.with_name(f"c.{suffix}")
        joined.write_bytes(b"".join(path.read_bytes() for path in paths))
        y, rate = read_audio(joined)
        assert rate == expected
        assert y.size / rate == pytest.approx(4.05, abs=0.1)  # encoders pad both parts to whole frames
        np.testing.assert_allclose(frequencies(y, rate), 200, atol=1)


def test_joined_mp4_files_are_refused(write_audio):
    path = write_audio("a.mp4", tone(), SR, "aac")
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(ClipError, match="several mp4 files that are joined"):
        read_audio(path)


def test_vbr_mp3_without_a_header(audio_packets, tmp_path):
    """Loud noise, then faint noise: libsndfile estimates the length from the first frames."""
    y = np.random.default_rng(0).normal(0, 1, 6 * 44100) * np.repeat([0.2, 1e-4], 3 * 44100)
    options = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(str(tmp_path / "a.mp3"), "w", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono", options={"flags": "+qscale"})
        stream.codec_context.global_quality = 2 * 118  # FF_QP2LAMBDA
        for packet in audio_packets(stream, y, 44100):
            container.mux(packet)
    assert read_audio(tmp_path / "a.mp3")[0].size == pytest.approx(6 * 44100, abs=4 * 1152)


@pytest.mark.parametrize("junk", [b"\0" * 5000, b"TAG" + bytes(125), b"LYRICSBEGIN" + bytes(300) + b"LYRICS200"])
def test_bytes_after_an_mp3_are_skipped(tmp_path, junk):
    soundfile.write(tmp_path / "a.mp3", tone(), SR)
    expected, _ = read_audio(tmp_path / "a.mp3")
    with (tmp_path / "a.mp3").open("ab") as file:
        file.write(junk)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.mp3")[0][: expected.size], expected)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16", "NMS_ADPCM_32", "IMA_ADPCM"])
def test_telephone_codecs_of_wav(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", tone(200, 2.0, 8000), 8000, subtype=subtype)
    y, sr = read_audio(tmp_path / "a.wav")
    assert y.size / sr == pytest.approx(2, abs=0.05)  # they pad to whole blocks
    np.testing.assert_allclose(frequencies(y, sr), 200, atol=1)


def test_flac_of_unknown_length(tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(), SR)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    # The last 36 of the bits 108 to 143 of STREAMINFO, which follows the mark and 4 bytes.
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "b.flac").write_bytes(content)
    np.testing.assert_array_equal(read_audio(tmp_path / "b.flac")[0], read_audio(tmp_path / "a.flac")[0])
    (tmp_path / "b.flac").write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipError, match="cut short"):
        read_audio(tmp_path / "b.flac")


# ---- time stamps


@pytest.mark.parametrize(
    ("name", "codec", "sr"),
    [
        ("a.ogg", "libopus", 48000),
        ("a.webm", "libopus", 48000),
        ("a.oga", "flac", 16000),
        ("a.mkv", "aac", 44100),
        ("a.mka", "pcm_s16le", 16000),
        ("a.mp4", "aac", 48000),
        ("a.flv", "aac", 44100),
        ("a.ts", "aac", 48000),
        ("a.mpg", "mp2", 44100),
    ],
)
def test_gap_in_the_time_stamps_is_silence(write_audio, name, codec, sr):
    options = {"format": "ogg", "options": {"page_duration": "1"}} if name == "a.oga" else {}
    whole, _ = read_audio(write_audio(name, burst(sr), sr, codec, **options))
    path = write_audio(name, burst(sr), sr, codec, keep=lambda time: not 1 <= time < 1.4, **options)
    y, rate = read_audio(path)
    assert y.size == pytest.approx(whole.size, abs=0.002 * rate)  # Matroska counts milliseconds
    assert not y[round(1.1 * rate) : round(1.35 * rate)].any()
    start, expected = (np.flatnonzero(np.abs(x) > 0.2)[0] / rate for x in (y, whole))
    assert start == pytest.approx(expected, abs=0.002)
    envelope, times = read_envelope(path, 0.005)
    assert times[envelope > 0.15][0] == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("codec", "sr"), [("libmp3lame", 44100), ("libmp3lame", 16000), ("mp2", 44100), ("ac3", 48000)]
)
def test_delay_of_the_codec_in_avi(write_audio, codec, sr):
    y = np.convolve(np.random.default_rng(0).normal(0, 0.1, 2 * sr), [0.25, 0.5, 0.25], "same")
    read, _ = read_audio(write_audio("a.avi", y, sr, codec))
    n = min(y.size, read.size)
    product = np.fft.rfft(read[:n], 2 * n) * np.conj(np.fft.rfft(y[:n], 2 * n))
    assert np.argmax(np.fft.irfft(product)) == 0


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "libmp3lame"), ("a.mkv", "aac"), ("a.mp4", "aac"), ("a.ts", "mp2")]
)
def test_sound_and_images_have_one_clock(audio_packets, video_packets, tmp_path, name, codec):
    images = np.full((100, 32, 32, 3), 20, np.uint8)
    images[75:80] = 200
    with av.open(str(tmp_path / name), "w") as container:
        video, audio = container.add_stream("mpeg4", rate=25), container.add_stream(codec, rate=44100, layout="mono")
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        packets = [*video_packets(video, images), *audio_packets(audio, burst(44100), 44100)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    frames, times = read_frames(tmp_path / name, 100)
    envelope, moments = read_envelope(tmp_path / name, 0.002)
    seen = times[frames.mean(axis=(1, 2, 3)) > 100][0]
    # AVI counts whole frames.
    assert moments[envelope > 0.2][0] == pytest.approx(seen, abs=0.04 if name == "a.avi" else 0.004)


def test_blocks_follow_each_other(write_audio):
    path = write_audio("a.webm", burst(48000), 48000, "libopus", keep=lambda time: not 1 <= time < 1.4)
    clock = 0.0
    for time, samples, sr in audio_blocks(path, settled_mix(path)):
        assert time == pytest.approx(clock, abs=1e-9)
        clock = time + samples.size / sr


# ---- mix of the channels


def write_channels(path, *channels):
    soundfile.write(path, np.stack(channels, axis=1), SR, subtype="FLOAT")
    return path


def rms(y):
    return np.sqrt(np.mean(np.square(y, dtype=float)))


@pytest.mark.parametrize("gain", [0.99, 0.9, 0.3])
@pytest.mark.parametrize("n_others", [0, 1])
def test_opposite_phase_gives_the_louder_channel(tmp_path, gain, n_others):
    path = write_channels(tmp_path / "a.wav", -gain * tone(), tone(), *[0 * tone()] * n_others)
    with pytest.warns(ClipWarning, match=r"clip 'a'.*opposite phase \(correlation -1.00\).*the louder one is read"):
        y, _ = read_audio(path)
    np.testing.assert_allclose(y, tone(), atol=1e-6)  # float32


def test_opposite_phase_with_noise(tmp_path):
    first, second = np.random.default_rng(0).normal(0, 0.1, (2, SR))
    with pytest.warns(ClipWarning, match="opposite phase"):
        y, _ = read_audio(write_channels(tmp_path / "a.wav", tone() + first, second - tone()))
    assert rms(y) == pytest.approx(rms(tone() + first), rel=0.02)


@pytest.mark.parametrize("dead", [0, 1e-3, "constant"])
@pytest.mark.parametrize("n_dead", [1, 5])
def test_channel_without_a_signal_does_not_lower_the_level(tmp_path, dead, n_dead):
    others = (
        np.full((n_dead, SR), 0.25) if dead == "constant" else dead * np.random.default_rng(0).normal(size=(n_dead, SR))
    )
    y, _ = read_audio(write_channels(tmp_path / "a.wav", tone(), *others))
    np.testing.assert_allclose(y, tone(), atol=1e-6)  # float32


def test_channels_of_a_stereo_recording_are_averaged(tmp_path):
    """Independent channels, and channels of different levels: no warning, which is an error here."""
    first, second = np.random.default_rng(0).normal(0, 0.1, (2, SR))
    for channels in ([first, second], [first, 0.1 * first], [tone(), 0.05 * second], [first, second, tone()]):
        y, _ = read_audio(write_channels(tmp_path / "a.wav", *channels))
        np.testing.assert_allclose(y, np.mean(channels, axis=0), atol=1e-6)  # float32


def test_the_mix_of_a_video_is_that_of_a_wav(write_audio, tmp_path):
    path = write_audio("a.mkv", np.stack([tone(), -tone()]), SR, "pcm_f32le", "stereo")
    with pytest.warns(ClipWarning, match="opposite phase"):
        y, _ = read_audio(path)
    with pytest.warns(ClipWarning, match="opposite phase"):
        envelope, _ = read_envelope(path)
    np.testing.assert_allclose(y, tone(), atol=1e-6)  # float32
    np.testing.assert_allclose(envelope, rms(tone()), rtol=1e-3)


def test_silent_channels_stay_silent(tmp_path):
    assert not read_audio(write_channels(tmp_path / "a.wav", np.zeros(SR), np.zeros(SR)))[0].any()


def test_downmix_of_blocks_equals_that_of_the_whole(tmp_path):
    channels = np.stack([tone(), 0 * tone(), 0.5 * tone()]).astype(np.float32)
    mixes = [Downmix(), Downmix()]
    mixes[0](channels)
    for start in range(0, SR, 100):
        mixes[1](channels[:, start : start + 100])
    for mix in mixes:
        assert mix.settle(tmp_path / "a.wav")
        np.testing.assert_array_equal(mix.weights[3], np.float32([0.5, 0, 0.5]))


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_sample_formats_of_containers(write_audio, codec, layout):
    n_channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    channels = np.random.default_rng(0).uniform(-0.9, 0.9, (n_channels, SR))
    y, _ = read_audio(write_audio("a.mov" if codec == "pcm_s16be" else "a.mkv", channels, SR, codec, layout))
    np.testing.assert_allclose(y, channels.mean(axis=0), atol=1 / 128 if codec == "pcm_u8" else 1 / 32768)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_channel_that_is_constant_is_dead(tmp_path, subtype):
    y = 0.005 * np.random.default_rng(0).normal(size=4 * SR)
    soundfile.write(tmp_path / "a.wav", np.stack([y, np.full(len(y), 0.03)], axis=1), SR, subtype=subtype)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], y, atol=1 / 32768)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_integers_in_floats_have_one_scale_in_all_readers(tmp_path, n_channels):
    """Whole numbers of room noise around a loud tone: the mean of two channels is not whole."""
    y = np.random.default_rng(0).integers(-4, 5, (3 * SR, n_channels)).astype(float)
    y[SR : 2 * SR] += np.rint(8000 * tone(150, amplitude=1.0))[:, None]
    soundfile.write(tmp_path / "a.wav", y, SR, subtype="FLOAT")
    expected = y.mean(axis=1) / 32768
    with pytest.warns(ClipWarning, match="divided by 32768"):
        np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], expected, atol=1e-7)
    with pytest.warns(ClipWarning, match="divided by 32768"):
        quiet, _ = read_audio(Segment(tmp_path / "a.wav", 0.2, 0.7))
    np.testing.assert_allclose(quiet, expected[round(0.2 * SR) : round(0.7 * SR)], atol=1e-7)
    with pytest.warns(ClipWarning, match="divided by 32768"):
        rms, _ = read_envelope(tmp_path / "a.wav", step=0.1)
    np.testing.assert_allclose(rms, np.sqrt(np.square(expected).reshape(-1, SR // 10).mean(axis=1)), rtol=1e-4)


@pytest.mark.parametrize("lateness", [0.011, 0.02])
def test_late_stamps_add_no_silence(tmp_path, lateness):
    """A live recorder stamps packets of 20 ms when they arrive."""
    rng = np.random.default_rng(0)
    y = rng.normal(scale=0.1, size=(1, 48000 * 10)).astype(np.float32)
    with av.open(str(tmp_path / "a.webm"), "w") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        for start in range(0, y.shape[1], 960):
            frame = av.AudioFrame.from_ndarray(y[:, start : start + 960], format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            for packet in stream.encode(frame):
                packet.pts += round(max(0, rng.uniform(-lateness, lateness)) / packet.time_base)
                packet.dts = packet.pts
                container.mux(packet)
        container.mux(stream.encode(None))
    samples, sr = read_audio(tmp_path / "a.webm")
    assert abs(samples.size - y.shape[1]) <= 2 * lateness * sr


def test_weak_ambience_in_opposite_phase_leaves_the_mean(tmp_path):
    rng = np.random.default_rng(0)
    left, right, voice, ambience = rng.normal(size=(4, SR))
    channels = [0.06 * left, 0.06 * right, 0.05 * voice, 0 * voice, 0.003 * ambience, -0.003 * ambience]
    soundfile.write(tmp_path / "a.wav", np.stack(channels, axis=1), SR, format="WAVEX", subtype="PCM_24")
    live = np.mean([channels[i] for i in (0, 1, 2, 4, 5)], axis=0)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], live, atol=1e-6)
