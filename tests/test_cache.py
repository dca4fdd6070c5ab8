"""A cached value is found by the content and the parameters that it was computed from, and by nothing else."""

import io
import os

import numpy as np
import pytest

from savee_mm._cache import FolderStore, MemoryStore, content_key, open_store


def test_key_follows_content_not_name(tmp_path):
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (content_key(str(tmp_path / name), "p") for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("age", [0, 3600])
def test_changed_file_of_the_same_size_has_another_key(tmp_path, age):
    file = tmp_path / "a"
    keys = set()
    for second, content in enumerate((b"x", b"y")):
        file.write_bytes(content)
        if age:
            modified = file.stat().st_mtime - age + second
            os.utime(file, (modified, modified))
        keys |= {content_key(str(file), "p") for _ in range(2)}
    assert len(keys) == 2


def test_key_follows_parameters_type_and_shape(tmp_path):
    y = np.zeros(4, np.float32)
    keys = {content_key(y, "p"), content_key(y, "q"), content_key(y.astype(int), "p"), content_key(y[:2], "p")}
    assert len(keys) == 4
    assert content_key(y, "p") == content_key(y.copy(), "p")


@pytest.mark.parametrize("make", [lambda folder: MemoryStore(), FolderStore], ids=["memory", "folder"])
def test_store_returns_what_was_put(make, tmp_path):
    store = make(tmp_path / "new")
    array = np.arange(6.0).reshape(2, 3)
    assert store.get("k") is None
    store.put("k", array.copy())
    np.testing.assert_array_equal(store.get("k"), array)


def test_memory_store_forgets_the_least_recently_used():
    store = MemoryStore(limit=3 * 800)
    for key in "abc":
        store.put(key, np.zeros(100))
    store.get("a")
    store.put("d", np.zeros(100))
    assert [store.get(key) is None for key in "abcd"] == [False, True, False, False]


def test_arrays_of_the_memory_store_are_read_only():
    store = MemoryStore()
    store.put("k", np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        store.get("k")[0] = 1


def test_damaged_file_counts_as_absent(tmp_path):
    store = FolderStore(tmp_path)
    store.put("k", np.zeros(100))
    path = tmp_path / "k.npy"
    path.write_bytes(path.read_bytes()[:100])
    assert store.get("k") is None
    path.write_bytes(b"")
    assert store.get("k") is None


def other_array(array):
    """An entry as an older version wrote it: an array without a checksum."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return lambda content: buffer.getvalue()


DAMAGE = {
    "a flipped bit in the values": lambda content: flipped(content, 200),
    "a flipped bit in the shape": lambda content: flipped(content, content.index(b"100")),
    "a flipped bit in the type": lambda content: flipped(content, content.index(b"<f8") + 2),
    "a flipped bit in the checksum": lambda content: flipped(content, len(content) - 1),
    "a value less": lambda content: content[:-28] + content[-20:],
    "no checksum": lambda content: content[:-20],
    "zeros of the same length": lambda content: bytes(len(content)),
    "zeros from the middle on": lambda content: content[:500] + bytes(len(content) - 500),
    "more at the end": lambda content: content + b"more",
    "twice": lambda content: content + content,
    "another shape": other_array(np.ones(50)),
    "another type": other_array(np.ones(100, np.float32)),
    "other values": other_array(np.full(100, np.nan)),
    "text": lambda content: b"no array",
}


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_entry_is_computed_again(damage, tmp_path):
    store = FolderStore(tmp_path)
    store.put("k", np.ones(100))
    path = tmp_path / "k.npy"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert store.get("k") is None
    store.put("k", np.ones(100))
    np.testing.assert_array_equal(store.get("k"), np.ones(100))


def test_entry_under_another_key_counts_as_absent(tmp_path):
    store = FolderStore(tmp_path)
    store.put("k", np.ones(3))
    (tmp_path / "k.npy").rename(tmp_path / "other.npy")
    assert store.get("other") is None


def test_entry_is_an_array_for_numpy(tmp_path):
    FolderStore(tmp_path).put("k", np.arange(3))
    np.testing.assert_array_equal(np.load(tmp_path / "k.npy"), np.arange(3))


def test_folder_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / "file").touch()
    store = FolderStore(tmp_path / "file")
    with pytest.warns(UserWarning, match=r"cache folder .*file cannot be written .*File exists"):
        store.put("k", np.zeros(3))
    assert store.get("k") is None


def key(number):
    return f"{number:040x}"


def test_least_recently_used_entries_are_deleted(tmp_path):
    store = FolderStore(tmp_path, limit=5000)
    for number in range(4):
        store.put(key(number), np.zeros(100))  # 948 bytes each
        os.utime(tmp_path / f"{key(number)}.npy", (number, number))
    store.get(key(0))
    store.put(key(4), np.zeros(100))
    FolderStore(tmp_path, limit=4000).put(key(5), np.zeros(100))
    assert [store.get(key(number)) is None for number in range(6)] == [False, True, True, True, False, False]


def test_other_files_in_the_folder_are_never_deleted(tmp_path):
    np.save(tmp_path / "mine.npy", np.zeros(1000))
    store = FolderStore(tmp_path, limit=10)
    store.put(key(0), np.zeros(100))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npy"]


@pytest.mark.parametrize(("text", "limit"), [("1", 10**9), ("0.5", 5 * 10**8), (None, 20 * 10**9)])
def test_limit_is_in_the_environment(text, limit, tmp_path, monkeypatch):
    monkeypatch.delenv("SAVEE_MM_CACHE_GB", raising=False)
    if text is not None:
        monkeypatch.setenv("SAVEE_MM_CACHE_GB", text)
    assert open_store(tmp_path).limit == limit


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "20 GB"])
def test_limit_that_is_no_size_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_CACHE_GB", text)
    with pytest.raises(ValueError, match="SAVEE_MM_CACHE_GB must be a positive number of gigabytes"):
        open_store(tmp_path)


def test_folder_store_leaves_no_drafts(tmp_path):
    FolderStore(tmp_path).put("k", np.zeros(3))
    assert [path.name for path in tmp_path.iterdir()] == ["k.npy"]


def test_files_have_the_mode_of_others(tmp_path):
    FolderStore(tmp_path).put("k", np.zeros(3))
    (tmp_path / "plain").touch()
    assert (tmp_path / "k.npy").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_file_as_a_cache_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for cache in ("", tmp_path / "file"):
        with pytest.raises(ValueError, match="which is not a folder"):
            open_store(cache)


def test_cache_parameter_names_the_store(tmp_path):
    assert open_store("memory") is open_store("memory")
    assert open_store(str(tmp_path)).folder == tmp_path
    store = open_store(None)
    store.put("k", np.zeros(1))
    assert store.get("k") is None
