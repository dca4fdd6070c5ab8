"""Any bytes end in a result or in the documented error: cards, archives, tables, entries of caches, recordings."""

import io
import json
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from savee_mm import ClipError, EvaluationReport, ModelCard, load_card, load_model, load_table, read_audio, read_frames
from savee_mm._cache import FolderStore
from savee_mm._zip import read_zip
from savee_mm.cli._text import printable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENTRIES = [
    "name",
    "classes",
    "corpus",
    "evaluation",
    "speakers",
    "preprocessing",
    "weights",
    "not_for",
    "libraries",
    "seed",
]
CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["0.wav", "joy", "nan", "-1e999", '"', "=1+1", "\x00", "007"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


@given(content=st.binary(max_size=300))
@pytest.mark.parametrize("load", [load_card, load_model])
def test_bytes_are_no_model(load, folder, content):
    (folder / "m.savee").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.savee"):
        load(folder / "m.savee")


@given(card=st.dictionaries(st.sampled_from(ENTRIES), JSON), form=st.integers(1, 3) | JSON)
def test_any_card_is_printed_or_refused(folder, card, form):
    with zipfile.ZipFile(folder / "m.savee", "w") as archive:
        archive.writestr("card.json", json.dumps({"format": form, "savee_mm": "1", **card}))
    with suppress(ValueError):
        loaded = load_card(folder / "m.savee")
        assert isinstance(loaded, ModelCard)
        assert isinstance(loaded.to_markdown(), str)


@given(
    members=st.dictionaries(st.text(min_size=1, max_size=8), st.binary(max_size=100), max_size=4), place=st.floats(0, 1)
)
def test_archive_is_read_whole_or_refused(members, place):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
            name = archive.infolist()[-1].filename
    content = buffer.getvalue()
    assert list(read_zip(content).values()) == list(members.values())
    cut = content[: int(place * (len(content) - 1))]
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        read_zip(cut)


@given(content=st.binary(max_size=200) | st.lists(st.lists(CELLS, max_size=4), max_size=6))
def test_any_table_is_a_corpus_or_refused(folder, content):
    if isinstance(content, list):
        content = "audio,emotion,speaker\n" + "\n".join(",".join(row) for row in content)
        content = content.encode()
    (folder / "0.wav").touch()
    (folder / "clips.csv").write_bytes(content)
    with warnings.catch_warnings(), suppress(ValueError, FileNotFoundError):
        warnings.simplefilter("ignore", UserWarning)
        corpus = load_table(folder / "clips.csv")
        assert len(corpus.data) == len(corpus.target) > 0


@given(position=st.floats(0, 1, exclude_max=True), content=st.binary(max_size=8), cut=st.booleans())
def test_changed_entry_of_a_cache_is_absent(position, content, cut):
    array = np.arange(30.0).reshape(5, 6)
    with tempfile.TemporaryDirectory() as place:
        store = FolderStore(place)
        store.put("0" * 40, array)
        file = next(Path(place).iterdir())
        before = file.read_bytes()
        start = int(position * len(before))
        after = before[:start] + content + (b"" if cut else before[start + len(content) :])
        file.write_bytes(after)
        found = store.get("0" * 40)
        assert (found is None) == (after != before)
        assert found is None or np.array_equal(found, array)


@given(content=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_no_fold(content):
    with tempfile.TemporaryDirectory() as place:
        Path(place, "svm.json").write_bytes(content)
        with pytest.raises(ValueError, match="holds no finished folds"):
            EvaluationReport.from_folds(place)


MAGIC = [
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"fLaC\0\0\0\x22",
    b"OggS\0\x02",
    b"ID3\x04",
    b"\0\0\0\x18ftypmp42",
    b"\x89PNG\r\n\x1a\n",
    b"",
]


@pytest.mark.parametrize("read", [read_audio, read_frames])
@given(magic=st.sampled_from(MAGIC), content=st.binary(min_size=1, max_size=400))
def test_bytes_are_no_recording(read, folder, magic, content):
    (folder / "clip.bin").write_bytes(magic + content)
    with suppress(ClipError):
        values, _ = read(folder / "clip.bin")
        assert np.isfinite(values).all()
        assert values.size


@given(text=st.text())
def test_printed_text_has_no_control_characters(text):
    shown = printable(text, lines=True)
    assert shown.replace("\n", "").isprintable()
    assert printable(shown, lines=True) == shown
    assert "\n" not in printable(text)
