"""read_audio: the samples of an audio or video file, and a clear error for every other file."""

import pickle
import shutil

import av
import numpy as np
import pytest
import soundfile

from savee_mm import ClipError
from savee_mm.media import read_audio

SR = 16000


def tone(frequency=440.0, seconds=0.5, sr=SR, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)


def peak_frequency(y, sr):
    return np.argmax(np.abs(np.fft.rfft(y * np.hanning(y.size)))) * sr / y.size


def write_with_av(path, y, sr, codec, layout="mono"):
    """Encode planar float samples of shape (n_channels, n_samples) into a container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sr, layout=layout)
        frame = av.AudioFrame.from_ndarray(y.astype(np.float32), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = sr, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def test_wav_is_read_as_recorded(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), SR, subtype="PCM_16")
    y, sr = read_audio(tmp_path / "a.wav")
    assert (y.dtype, y.shape, sr) == (np.float32, (8000,), SR)
    np.testing.assert_allclose(y, tone(), atol=1 / 32768)  # one step of 16 bits


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_compressed_audio_keeps_pitch_rate_and_length(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(seconds=1.0), SR)
    y, sr = read_audio(path)
    assert sr == SR
    assert abs(y.size - SR) <= 2 * 1152  # an mp3 decoder may return the padding of the encoder, at most two frames
    assert peak_frequency(y, sr) == pytest.approx(440, abs=sr / y.size)


def bursts(seconds, sr):
    """Noise that begins suddenly twenty times a second, so that Vorbis changes the length of its blocks."""
    t = np.arange(round(seconds * sr)) / sr
    return 0.5 * np.random.default_rng(0).uniform(-1, 1, t.size) * np.exp(-100 * (t % 0.05))


@pytest.mark.parametrize("sr", [44100, 48000])
def test_blocks_of_vorbis_have_no_gaps(tmp_path, sr):
    soundfile.write(tmp_path / "a.ogg", bursts(3.0, sr), sr, subtype="VORBIS")
    expected, _ = soundfile.read(tmp_path / "a.ogg")
    y, _ = read_audio(tmp_path / "a.ogg")
    assert y.size == expected.size == 3 * sr
    np.testing.assert_allclose(y, expected, atol=1e-5)  # two decoders


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("avi", "mp3"), ("mp4", "aac"), ("mov", "aac"), ("mpg", "mp2"), ("flv", "mp3"), ("mkv", "flac")],
)
def test_audio_of_video_containers(tmp_path, suffix, codec):
    path = tmp_path / f"a.{suffix}"
    write_with_av(path, tone(seconds=1.0, sr=44100)[None], 44100, codec)
    y, sr = read_audio(path)
    assert (y.dtype, y.ndim, sr) == (np.float32, 1, 44100)
    assert abs(y.size - 44100) <= 2 * 1152  # encoders pad to whole frames
    assert peak_frequency(y, sr) == pytest.approx(440, abs=sr / y.size)


def test_mono_is_the_mean_of_the_channels(tmp_path):
    left, right = tone(300), tone(700)
    soundfile.write(tmp_path / "a.wav", np.column_stack([left, right]), SR, subtype="FLOAT")
    write_with_av(tmp_path / "a.mov", np.stack([left, right]), SR, "pcm_f32le", "stereo")
    for name in ("a.wav", "a.mov"):
        y, _ = read_audio(tmp_path / name)
        np.testing.assert_allclose(y, (left + right) / 2, atol=1e-6)  # float32


@pytest.mark.parametrize("recorded", [8000, 44100, 96000])
@pytest.mark.parametrize("wanted", [16000, 22050])
def test_resampling_keeps_pitch_level_and_duration(tmp_path, recorded, wanted):
    soundfile.write(tmp_path / "a.wav", tone(1000, 1.0, recorded), recorded, subtype="FLOAT")
    y, sr = read_audio(tmp_path / "a.wav", sr=wanted)
    assert (sr, y.dtype) == (wanted, np.float32)
    assert abs(y.size - wanted) <= 1
    assert peak_frequency(y, sr) == pytest.approx(1000, abs=1)
    middle = y[wanted // 4 : -wanted // 4]  # away from the edges, where the filter reads silence
    np.testing.assert_allclose(np.sqrt(np.mean(middle**2)), 0.5 / np.sqrt(2), rtol=1e-3)


def test_resampling_leaves_no_alias(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(15000, 1.0, 44100), 44100, subtype="FLOAT")
    y, _ = read_audio(tmp_path / "a.wav", sr=16000)
    assert np.abs(y[2000:-2000]).max() < 1e-4  # above half of 16 kHz: the HQ recipe attenuates by 100 dB


def test_30_ms_and_digital_silence_are_read(tmp_path):
    soundfile.write(tmp_path / "short.wav", tone(seconds=0.03), SR)
    soundfile.write(tmp_path / "silent.wav", np.zeros(SR), SR)
    assert read_audio(tmp_path / "short.wav", sr=22050)[0].size == pytest.approx(0.03 * 22050, abs=1)
    assert not read_audio(tmp_path / "silent.wav", sr=22050)[0].any()


def test_wrong_suffix_does_not_matter(tmp_path):
    write_with_av(tmp_path / "a.mp4", tone(seconds=1.0)[None], SR, "aac")
    shutil.move(tmp_path / "a.mp4", tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav")[1] == SR


def test_unknown_length_in_the_header_of_a_piped_wav(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), SR, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = b"\xff\xff\xff\xff"  # what a recorder writes to a pipe
    path.write_bytes(content)
    assert read_audio(path)[0].size == 8000


def write_bad(folder, case):
    path = folder / "bad.wav"
    soundfile.write(path, tone(), SR, subtype="PCM_16")
    whole = path.read_bytes()
    if case == "missing":
        return folder / "missing.wav"
    if case == "folder":
        return folder
    if case == "NaN":
        soundfile.write(path, np.where(np.arange(800) == 7, np.nan, 0.0), SR, subtype="FLOAT")
    elif case == "infinite":
        soundfile.write(path, np.where(np.arange(800) == 7, np.inf, 0.0), SR, subtype="FLOAT")
    elif case == "no samples":
        soundfile.write(path, np.zeros(0), SR)
    elif case == "cut flac":
        path = folder / "bad.flac"
        soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, SR), SR)
        path.write_bytes(path.read_bytes()[: SR // 2])
    elif case == "no audio stream":
        path = folder / "bad.avi"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    else:
        content = {"empty": b"", "text": b"not media at all\n" * 40, "cut": whole[:9000], "stub": whole[:20]}
        path.write_bytes(content[case])
    return path


BAD = {
    "missing": "no such file",
    "folder": "folder",
    "empty": "empty",
    "text": "not an audio or video file",
    "cut": "cut short: expected 16044 bytes by its header, got 9000",
    "stub": "not an audio or video file",
    "cut flac": "cut short",
    "no samples": "no samples",
    "NaN": "1 of 800 samples are NaN or infinite",
    "infinite": "1 of 800 samples are NaN or infinite",
    "no audio stream": "no audio stream \\(the file has: video\\)",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_say_what_is_wrong(tmp_path, capfd, case):
    path = write_bad(tmp_path, case)
    with pytest.raises(ClipError, match=BAD[case]) as caught:
        read_audio(path, sr=22050)
    assert caught.value.path == str(path)
    assert caught.value.clip_id == path.stem
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert capfd.readouterr().err == ""  # without FFmpeg's messages


@pytest.mark.parametrize("sr", [0, -16000, np.nan, np.inf, "16000", True])
def test_bad_rate(tmp_path, sr):
    with pytest.raises(ValueError, match="sr"):
        read_audio(tmp_path / "a.wav", sr=sr)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.mp4"])
def test_more_samples_than_the_limit(tmp_path, name):
    if name == "a.mp4":
        write_with_av(tmp_path / name, tone()[None], SR, "aac")
    else:
        soundfile.write(tmp_path / name, tone(), SR)
    n_samples = read_audio(tmp_path / name)[0].size
    assert read_audio(tmp_path / name, max_samples=n_samples)[0].size == n_samples
    assert read_audio(tmp_path / name, max_samples=None)[0].size == n_samples
    with pytest.raises(ClipError, match=f"longer than {n_samples - 1} samples .* at 16000 Hz"):
        read_audio(tmp_path / name, max_samples=n_samples - 1)
    with pytest.raises(ClipError, match=f"longer than {n_samples} samples .* at 32000 Hz"):
        read_audio(tmp_path / name, sr=32000, max_samples=n_samples)


def test_length_is_checked_before_memory_is_requested(tmp_path):
    """Resampled to this rate, half a second would fill 2 PB."""
    soundfile.write(tmp_path / "a.wav", tone(), SR)
    with pytest.raises(ClipError, match="longer than 200000000 samples"):
        read_audio(tmp_path / "a.wav", sr=1e15)


@pytest.mark.parametrize("max_samples", [0, -1, 2.5, "many"])
def test_bad_max_samples(tmp_path, max_samples):
    with pytest.raises(ValueError, match="max_samples"):
        read_audio(tmp_path / "a.wav", max_samples=max_samples)


def test_array_instead_of_a_path():
    with pytest.raises(TypeError, match="path of a file, got ndarray"):
        read_audio(np.zeros(10))


def test_real_recordings(shared):
    y, sr = read_audio(shared / "data/clips/speech.wav")
    assert (y.size, sr) == (68360, 16000)
    for name, seconds in [("bbaf2n.mpg", 2.98), ("ravdess_01-01-01-01-01-01-01.mp4", 3.30)]:
        y, sr = read_audio(shared / "data/clips" / name, sr=22050)
        assert sr == 22050
        assert y.size / sr == pytest.approx(seconds, abs=0.05)  # two frames of a lossy codec
        assert 0.001 < np.sqrt(np.mean(y**2)) < 0.5


def test_avi_and_flac_of_a_chimera_clip_are_one_recording(shared):
    root = shared / "data/savee_chimera"
    sound, sr = read_audio(root / "AudioData/DC/a01.flac", sr=22050)
    muxed, _ = read_audio(root / "AudioVisualClip/DC/a1.avi", sr=22050)
    n = min(sound.size, muxed.size)
    spectrum = np.fft.rfft(sound[:n], 2 * n) * np.conj(np.fft.rfft(muxed[:n], 2 * n))
    similarity = np.fft.irfft(spectrum).max() / np.linalg.norm(sound[:n]) / np.linalg.norm(muxed[:n])
    assert similarity > 0.95  # the rest is lost by mp3 at 22 kHz
    assert sr == 22050
