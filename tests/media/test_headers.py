"""Headers of audio files: stated lengths, headers that were never completed, recordings that are joined."""

import struct

import numpy as np
import pytest
import soundfile

from savee_mm import ClipError
from savee_mm.media import read_audio, read_frames
from savee_mm.media._headers import complete_header, find_recordings

SR = 16000
FORMATS = [  # of soundfile: format, subtype
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_U8"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "MS_ADPCM"),
    ("WAV", "GSM610"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("RF64", "DOUBLE"),
    ("W64", "PCM_24"),
    ("AIFF", "PCM_16"),
    ("AIFF", "ULAW"),
    ("AU", "FLOAT"),
    ("CAF", "PCM_16"),
    ("CAF", "ALAC_16"),
    ("FLAC", "PCM_24"),
    ("NIST", "PCM_16"),
    ("VOC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


def noise(seconds=1.0, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * SR)).astype(np.float32)


def write(path, y, kind="WAV", subtype="PCM_16"):
    soundfile.write(path, y, SR, format=kind, subtype=subtype)
    return path


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_cut_short(tmp_path, kind, subtype, share):
    path = write(tmp_path / "a.bin", noise(2), kind, subtype)
    whole = path.read_bytes()
    assert read_audio(path)[0].size >= 2 * SR
    path.write_bytes(whole[: round(share * len(whole))])
    with pytest.raises(ClipError, match="cut short"):
        read_audio(path)


@pytest.mark.parametrize("codec", ["aac", "flac", "libopus", "pcm_s24le"])
def test_matroska_cut_short(tmp_path, write_audio, codec):
    path = write_audio("a.mka", noise(2), 48000 if codec == "libopus" else SR, codec)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ClipError, match="cut short"):
        read_audio(path)


def test_ogg_flac_cut_between_pages(write_audio):
    path = write_audio("a.oga", noise(4), SR, "flac", format="ogg")
    whole = bytearray(path.read_bytes())
    # The number of samples, which FFmpeg leaves unknown: bytes 30 to 34 of the first packet.
    place = whole.index(b"\x7fFLAC") + 31
    struct.pack_into(">I", whole, place, 64000)
    path.write_bytes(whole)
    assert find_recordings(path) == [(0, len(whole))]
    path.write_bytes(whole[: whole.rindex(b"OggS")])
    with pytest.raises(ClipError, match=r"cut short: expected 64000 samples by its header, got \d+"):
        find_recordings(path)


def field(content, mark, offset, form):
    """Return the position of a length in a header, and its value."""
    place = content.index(mark) + offset
    return place, struct.unpack_from(form, content, place)[0]


@pytest.mark.parametrize(
    ("kind", "mark", "offset", "form", "values"),
    [
        ("WAV", b"data", 4, "<I", [0, 0x7FFFFFFF, 0xFFFFFFFF]),
        ("RF64", b"ds64", 16, "<Q", [0, 2**64 - 1]),
        ("W64", b"data\xf3", 16, "<Q", [0, 24, 2**64 - 1]),
        ("AIFF", b"SSND", 4, ">I", [0, 8]),
        ("AU", b".snd", 8, ">I", [0, 0xFFFFFFFF]),
        ("CAF", b"data", 4, ">Q", [0, 4, 2**64 - 1]),
    ],
)
def test_header_that_was_never_completed(tmp_path, kind, mark, offset, form, values):
    """A recorder that is killed, or that writes to a pipe, leaves such a length."""
    path, y = tmp_path / "a.bin", noise()
    content = bytearray(write(path, y, kind).read_bytes())
    place, _ = field(content, mark, offset, form)
    if kind == "AIFF":
        struct.pack_into(">I", content, content.index(b"COMM") + 10, 0)  # the number of samples
    for value in values:
        struct.pack_into(form, content, place, value)
        path.write_bytes(content)
        read, sr = read_audio(path)
        assert (sr, read.size) == (SR, y.size), value
        np.testing.assert_allclose(read, y, atol=1 / 32768)  # one step of 16 bits


def test_empty_recording_with_metadata_has_no_samples(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(0))
    path.write_bytes(path.read_bytes() + b"LIST\x20\x00\x00\x00INFOISFT" + bytes(24))
    assert complete_header(path) is None
    with pytest.raises(ClipError, match="no samples"):
        read_audio(path)


def test_complete_header_of_a_complete_file_is_none(tmp_path):
    for kind, subtype in FORMATS:
        assert complete_header(write(tmp_path / "a.bin", noise(), kind, subtype)) is None, (kind, subtype)


JOINED = [
    ("WAV", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("CAF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "OPUS"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("NIST", "PCM_16"),
    ("VOC", "PCM_16"),
]


@pytest.mark.parametrize(("kind", "subtype"), JOINED)
def test_joined_recordings_are_found(tmp_path, kind, subtype):
    parts = [write(tmp_path / "a.bin", noise(1, seed), kind, subtype).read_bytes() for seed in range(3)]
    joined = tmp_path / "joined.bin"
    joined.write_bytes(b"".join(parts))
    ends = np.cumsum([len(part) for part in parts]).tolist()
    assert find_recordings(joined) == list(zip([0, *ends[:-1]], ends, strict=True))


@pytest.mark.parametrize(("kind", "subtype"), JOINED)
def test_second_of_joined_recordings_cut_short(tmp_path, kind, subtype):
    path = write(tmp_path / "a.bin", noise(1), kind, subtype)
    content = path.read_bytes()
    path.write_bytes(content + content[: round(0.7 * len(content))])
    with pytest.raises(ClipError, match="cut short"):
        read_audio(path)


@pytest.mark.parametrize(("suffix", "codec"), [("wma", "wmav2"), ("flv", "libmp3lame"), ("tta", "tta")])
def test_joined_containers_are_read_to_their_end(write_audio, suffix, codec):
    path = write_audio(f"a.{suffix}", noise(2), 44100, codec, bit_rate=64_000)
    n_samples = read_audio(path)[0].size
    path.write_bytes(2 * path.read_bytes())
    assert read_audio(path)[0].size == 2 * n_samples


def test_frames_of_joined_videos_are_an_error(write_images):
    path = write_images("a.flv", [np.zeros((32, 48, 3), np.uint8)] * 5, "flv1")
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(ClipError, match="several recordings that are joined; split them"):
        read_frames(path, 2)


def test_frames_of_an_ogg_file_cut_short(write_images):
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 48, 3), np.uint8)
    path = write_images("a.ogv", list(images), "libvpx")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ClipError, match="cut short"):
        read_frames(path, 2)


def test_mark_in_the_samples_is_not_a_recording(tmp_path):
    path = write(tmp_path / "a.flac", noise(), "FLAC")
    path.write_bytes(path.read_bytes() + b"fLaC of no header")
    assert find_recordings(path) == [(0, path.stat().st_size)]


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\x10\0",
        b"\0\0\0\x10ftypmp42" + bytes(4) + b"\0\0\0\x01free" + b"\x7f" + b"\xff" * 7,
        b"\0\0\0\x10ftypmp42" + bytes(4) + b"\0\0\0\x01free" + b"\xff" * 8,
        b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 6 + b"\xfe" + bytes(8),
        b"caff\0\1\0\0free" + b"\x7f" + b"\xff" * 7,
    ],
    ids=["cut in its length", "box", "longer box", "matroska", "caf"],
)
def test_absurd_lengths(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(ClipError):
        read_audio(tmp_path / "a.bin")
