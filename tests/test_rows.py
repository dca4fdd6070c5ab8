"""Arrays in memory or in a file: indexing as of NumPy, and no more than a block in memory."""

import pickle
import tracemalloc

import numpy as np
import pytest
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import _safe_indexing

from savee_mm import _rows
from savee_mm._rows import RowFile, map_rows, new_rows, spread_rows


@pytest.fixture
def array():
    return np.random.default_rng(0).normal(size=(20, 3, 2)).astype(np.float32)


@pytest.fixture
def in_files(monkeypatch):
    """Keep arrays of any size in files."""
    monkeypatch.setattr(_rows, "MEMORY_LIMIT", 0)
    monkeypatch.setattr(_rows, "BLOCK", 7)


@pytest.fixture
def rows(array, tmp_path):
    (tmp_path / "values").write_bytes(b"header" + array.tobytes())
    return RowFile(tmp_path / "values", array.shape, array.dtype, offset=6)


@pytest.mark.parametrize("index", [slice(3, 9), slice(None, None, -2), [4, 4, 0], np.arange(20) % 3 == 0, []])
def test_rows_are_those_of_the_array(index, array, rows):
    index = np.array(index, int) if isinstance(index, list) else index
    np.testing.assert_array_equal(rows[index], array[index])
    np.testing.assert_array_equal(rows[5:][np.array([2, 1])], array[5:][[2, 1]])
    np.testing.assert_array_equal(_safe_indexing(rows, np.array([7, 3])), array[[7, 3]])
    assert rows[index].shape == array[index].shape
    np.testing.assert_array_equal(rows[2], array[2])


def test_other_axes_are_not_indexed(rows):
    with pytest.raises(IndexError, match="indexed by rows only"):
        rows[:, 0]


def test_copies_in_other_processes_read_the_same_file(array, rows):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rows[4:])), array[4:])


def test_scikit_learn_validates_across_it(array, tmp_path):
    flat, y = array[:, 0].copy(), np.arange(20) % 2
    flat.tofile(tmp_path / "flat")
    rows, knn = RowFile(tmp_path / "flat", flat.shape, np.float32), KNeighborsClassifier(3)
    np.testing.assert_array_equal(*(cross_val_score(knn, X, y, cv=KFold(4)) for X in (flat, rows)))


@pytest.mark.parametrize("folder", [True, False])
def test_written_rows_are_read_again(folder, array, in_files, tmp_path):
    rows = new_rows(array.shape, np.float32, tmp_path if folder else None)
    assert isinstance(rows, RowFile)
    rows[3:9], rows[np.array([15, 12])], rows[-1] = array[3:9], array[[15, 12]], 1
    expected = np.zeros_like(array)
    expected[3:9], expected[[15, 12]], expected[-1] = array[3:9], array[[15, 12]], 1
    np.testing.assert_array_equal(rows, expected)


def test_file_is_deleted_with_its_array(in_files, tmp_path):
    rows = new_rows((3, 2), np.float32, tmp_path)
    del rows
    assert not list(tmp_path.iterdir())


def test_small_array_is_in_memory():
    assert isinstance(new_rows((3, 2), np.uint8), np.ndarray)


def test_function_is_applied_to_all_rows(array, in_files):
    result = map_rows(lambda block: block.sum(axis=1), array)
    assert isinstance(result, RowFile)
    np.testing.assert_array_equal(result, array.sum(axis=1))


def test_function_of_no_rows_has_the_shape_of_its_result(array):
    assert map_rows(lambda block: block.sum(axis=1), array[:0]).shape == (0, 2)


def test_rows_are_spread_over_a_longer_array(array, in_files):
    present = np.arange(60) % 3 == 0
    result = np.asarray(spread_rows(array, present))
    np.testing.assert_array_equal(result[present], array)
    assert not result[~present].any()


def test_memory_does_not_grow_with_the_rows(in_files):
    peaks = []
    for n_rows in (1000, 20_000):
        tracemalloc.start()
        map_rows(lambda block: block + 1, new_rows((n_rows, 500), np.float32))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The numbers of the rows need 8 bytes each; a row has 2,000.
    assert peaks[1] - peaks[0] < 60 * 20_000
