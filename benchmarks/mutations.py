"""Damaged and manipulated inputs, made from whole ones: recordings, cache entries, folds, model files and tables.

Inputs are made from seeds when they are needed. None of them is kept.
"""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "tests/persistence/data"
SR = 16000
ENTRY = "0123456789abcdef0123456789abcdef01234567"
"""Key of the cache entry."""
FOLD = "svm-speaker-seed0-fold0.json"

# Integers that a size field should not have.
_SIZES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
_WORDS = ("1e999", "-1", "NaN", "9" * 400, "null", '""', "{}", "[[[[[[[[", '"', "\0", "\x1b[31m", ",,,,", "\r", "é")
_HEADER, _FOOTER = 9, 4096  # bits of positions in headers; bytes at the end in which some formats have their structure
_DATE = (1980, 1, 1, 0, 0, 0)


def write_sources(folder):
    """Write the whole inputs into a folder, one sub-folder for each reader of :mod:`benchmarks.hostile`.

    Parameters
    ----------
    folder : Path
        Folder to write. Recordings are synthetic; if the shared recordings are present, some of them are added.
    """
    for name in ("audio", "video", "cache", "folds", "models", "tables", "annotations"):
        (folder / name).mkdir(parents=True)
    _write_sounds(folder / "audio")
    _write_videos(folder / "video")
    _write_entry(folder / "cache")
    _write_fold(folder / "folds")
    _write_models(folder / "models")
    _write_tables(folder / "tables")
    _write_annotations(folder / "annotations")
    shared = Path(os.environ.get("SAVEE_MM_SHARED", ROOT.parent / "shared")) / "data"
    for kind, names in _REAL.items():
        for name in names:
            if (shared / name).is_file():
                (folder / kind / f"real_{Path(name).name}").write_bytes((shared / name).read_bytes())


_REAL = {
    "audio": ("savee_chimera/AudioData/KL/sa12.flac", "ravdess/Actor_01/03-01-01-01-01-01-01.flac"),
    "video": ("savee_chimera/AudioVisualClip/DC/a1.avi", "clips/single_face.mp4", "clips/single_face.jpg"),
}


def mutate(content, others, rng):
    """Return a damaged or manipulated copy of a file.

    Parameters
    ----------
    content : bytes
        The whole file.
    others : list of bytes
        Files to take parts from.
    rng : numpy.random.Generator
        Chooses the mutations, one to three.

    Returns
    -------
    content : bytes
    """
    if zipfile.is_zipfile(io.BytesIO(content)) and rng.random() < 0.6:
        return _mutate_member(content, others, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        operations = [*_OPERATIONS, *(_TEXT_OPERATIONS if _is_text(content) else ())]
        content = operations[rng.integers(len(operations))](content, others, rng)
    return content


def _mutate_member(content, others, rng):
    """Mutate one member of an archive, also inside of an inner archive. A model file loses its digest by that."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[rng.integers(len(members))]
    if "card.json" in members:
        # Format 2 has no digest, which would refuse every change.
        members["card.json"] = json.dumps({**json.loads(members["card.json"]), "format": 2}).encode()
    members[name] = mutate(members[name], others, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member, _DATE), data)
    return buffer.getvalue()


def _is_text(content):
    return content.isascii()


def _place(content, rng):
    """Return a position: near the start, the earlier the more often, near the end, or anywhere."""
    n = max(len(content), 1)
    places = (2 ** rng.uniform(0, _HEADER) - 1, n - rng.uniform(0, _FOOTER), rng.uniform(0, n))
    return int(np.clip(places[rng.integers(3)], 0, n - 1))


def _flip_bits(content, others, rng):
    changed = bytearray(content or b"\0")
    for _ in range(2 ** rng.integers(6)):
        changed[_place(changed, rng)] ^= 1 << rng.integers(8)
    return bytes(changed)


def _truncate(content, others, rng):
    return content[: _place(content, rng)]


def _set_size(content, others, rng):
    width, order = (2, 4, 8)[rng.integers(3)], ("little", "big")[rng.integers(2)]
    value = _SIZES[rng.integers(len(_SIZES))] % (1 << 8 * width)
    place = _place(content, rng)
    return content[:place] + value.to_bytes(width, order) + content[place + width :]


def _splice(content, others, rng):
    other = others[rng.integers(len(others))]
    return content[: _place(content, rng)] + other[_place(other, rng) :]


def _swap_header(content, others, rng):
    n_bytes = int(2 ** rng.uniform(2, 12))
    return others[rng.integers(len(others))][:n_bytes] + content[n_bytes:]


def _overwrite(content, others, rng):
    place, n_bytes = _place(content, rng), int(2 ** rng.uniform(0, 12))
    block = (bytes(n_bytes), b"\xff" * n_bytes, rng.bytes(n_bytes))[rng.integers(3)]
    return (content[:place] + block)[: len(content)] + content[place + n_bytes :]


def _move(content, others, rng):
    """Delete, repeat or insert a part."""
    start, place, n_bytes = _place(content, rng), _place(content, rng), int(2 ** rng.uniform(0, 12))
    part = (b"", 2 * content[start : start + n_bytes], rng.bytes(n_bytes))[rng.integers(3)]
    return content[:place] + part + content[place + n_bytes * (part == b"") :]


def _replace_word(content, others, rng):
    """Replace a number, a name or a text of a table, a card or a description."""
    found = list(re.finditer(rb'-?\d[\d.e+-]*|"[^"\n]*"|\w+', content))
    if not found:
        return content
    start, stop = found[rng.integers(len(found))].span()
    words = [*_WORDS, found[rng.integers(len(found))][0].decode()]
    return content[:start] + words[rng.integers(len(words))].encode() + content[stop:]


def _nest(content, others, rng):
    place, depth = _place(content, rng), int(2 ** rng.uniform(0, 16))
    return content[:place] + b"[" * depth + content[place:]


_OPERATIONS = (_flip_bits, _truncate, _set_size, _splice, _swap_header, _overwrite, _move)
_TEXT_OPERATIONS = (_replace_word, _replace_word, _replace_word, _nest)


def _sound(seconds=0.8):
    """Return a harmonic tone with a syllable and some noise."""
    t = np.arange(round(seconds * SR)) / SR
    tone = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12))
    noise = np.random.default_rng(0).standard_normal(t.size)
    return np.float32(0.2 * tone * np.sin(np.pi * t / seconds) + 0.001 * noise)


def _write_sounds(folder):
    import soundfile

    stereo = np.stack([_sound(), _sound()[::-1]], axis=1)
    for name, subtype, samples in (
        ("pcm.wav", "PCM_16", _sound()),
        ("stereo.wav", "PCM_24", stereo),
        ("float.wav", "FLOAT", _sound()),
        ("mono.flac", "PCM_16", _sound()),
        ("stereo.flac", "PCM_24", stereo),
        ("vorbis.ogg", "VORBIS", _sound()),
        ("opus.ogg", "OPUS", _sound()),
        ("stereo.mp3", "MPEG_LAYER_III", stereo),
        ("mono.mp3", "MPEG_LAYER_III", _sound()),
        ("pcm.aiff", "PCM_16", _sound()),
    ):
        soundfile.write(folder / name, samples, SR, subtype=subtype)


def _write_videos(folder):
    import av
    from PIL import Image

    ramp = np.linspace(0, 255, 96, dtype=np.uint8)
    images = [np.broadcast_to(np.roll(ramp, 4 * i)[None, :, None], (64, 96, 3)) for i in range(20)]
    for name, codec, sound_codec in (
        ("mpeg4.avi", "mpeg4", "mp3"),
        ("mpeg4.mp4", "mpeg4", "aac"),
        ("h264.mp4", "libx264", "aac"),
        ("h264.mkv", "libx264", "libopus"),
    ):
        with av.open(str(folder / name), "w") as container:
            video = container.add_stream(codec, rate=25, width=96, height=64, pix_fmt="yuv420p")
            sound = container.add_stream(sound_codec, rate=48000, layout="mono")
            for image in images:
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
            container.mux(video.encode())
            frame = av.AudioFrame.from_ndarray(np.repeat(_sound(), 3)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            convert = av.AudioResampler(sound.format, "mono", 48000, frame_size=sound.codec_context.frame_size)
            for part in [*convert.resample(frame), *convert.resample(None), None]:
                container.mux(sound.encode(part))
    for name in ("image.png", "image.jpg"):
        Image.fromarray(images[0]).save(folder / name)


def _write_entry(folder):
    from savee_mm._cache import FolderStore

    FolderStore(folder).put(ENTRY, np.arange(240, dtype=np.float32).reshape(6, 40))


def _write_fold(folder):
    from sklearn.dummy import DummyClassifier

    from savee_mm import evaluate

    X, y = _table()
    folds = [(np.arange(8), np.arange(8, 12))]
    evaluate({"svm": DummyClassifier()}, (X, y), {"speaker": folds}, folder=folder, leakage="ignore")
    next(folder.glob("*.json")).rename(folder / FOLD)


def _write_models(folder):
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from savee_mm import save_model

    X, y = _table()
    for name, clf in {
        "svm": SVC(),
        "linear": LogisticRegression(),
        "forest": RandomForestClassifier(3, random_state=0),
        "boosting": HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2),
        "neighbours": KNeighborsClassifier(2, algorithm="brute"),
    }.items():
        save_model(make_pipeline(StandardScaler(), clf).fit(X, y), folder / f"{name}.savee")
    (folder / "network.savee").write_bytes((MODELS / "convlstm.savee").read_bytes())


def _write_tables(folder):
    header = "audio;speaker;sentence;clip_id;emotion;age\n"
    rows = "".join(f"{i}.wav;s{i % 3};t{i % 4};c{i};{('joy', 'anger')[i % 2]};{20 + i},5\n" for i in range(12))
    (folder / "semicolons.csv").write_text(header + rows)
    (folder / "commas.csv").write_text((header + rows).replace(",", ".").replace(";", ","))
    quoted = "".join(f'"{i}.wav","a ""b"" {i % 2}"\n' for i in range(8))
    (folder / "quoted.csv").write_text('"audio","emotion"\n' + quoted)


def _write_annotations(folder):
    import pandas as pd

    from savee_mm import write_annotations

    start = np.arange(5.0)
    table = pd.DataFrame({"start": start, "end": start + 2, "emotion": ["joy", "anger"] * 2 + [None], "note": "<&>"})
    for name in ("a.TextGrid", "a.eaf", "a.vtt", "a.json"):
        write_annotations(table, folder / name, media="a.wav", format={"a.json": "labelstudio"}.get(name))


def _table():
    """Return 12 clips of two classes as an array, and their classes."""
    rng, y = np.random.default_rng(0), np.repeat(["anger", "joy"], 6)
    return rng.normal(size=(12, 3)) + (y == "joy")[:, None], y
