"""What was computed from a content is found again by that content, and by nothing else."""

import numpy as np
import pytest

from savee_mm._cache import FolderStore, MemoryStore, content_key, open_store


def test_key_follows_content_not_name(tmp_path):
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (content_key(str(tmp_path / name), "p") for name in "abc")
    assert a == b != c


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


def test_memory_store_hands_out_what_nobody_can_spoil():
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


def test_folder_store_leaves_no_drafts(tmp_path):
    FolderStore(tmp_path).put("k", np.zeros(3))
    assert [path.name for path in tmp_path.iterdir()] == ["k.npy"]


def test_files_are_shared_as_others_are(tmp_path):
    FolderStore(tmp_path).put("k", np.zeros(3))
    (tmp_path / "plain").touch()
    assert (tmp_path / "k.npy").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_is_no_folder_is_refused(tmp_path):
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
