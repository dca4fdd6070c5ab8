"""Extraction, cross-validation, inner folds, search and evaluation on a Dask cluster of two worker processes."""

import os
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from savee_mm import ClipError, LateFusionClassifier, SpectralFeatures, evaluate, extract_features
from savee_mm.features._tabular import TabularTransformer

distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
dask = pytest.importorskip("dask")


class Numbers(TabularTransformer):
    """Two numbers that a text file contains. A file may also kill the worker process that reads it."""

    def __init__(self, *, n_jobs=None, cache=None, on_error="raise", verbose=False):
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(read_numbers)

    def _output_columns(self):
        return [("first", "1"), ("second", "1")]


def read_numbers(path):
    """Return the numbers. The word ``kill`` kills the worker, ``once`` only the first one that reads it."""
    *numbers, word = Path(path).read_text().split()
    marker = Path(f"{path}.read")
    if word == "kill" or (word == "once" and not marker.exists()):
        marker.touch()
        os._exit(9)
    return np.array(numbers, float)


# Pickled by value: the workers cannot import the tests.
Numbers.__module__ = read_numbers.__module__ = "__main__"


@pytest.fixture
def client():
    """A scheduler with two workers on this machine; a task may kill one worker, and is given up after the second.

    Each test has its own: workers that were killed are not always replaced.
    """
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.worker.daemon": False}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def on_dask(client):
    """Run the block with Dask as the backend of joblib: ``with on_dask(): ...``."""
    client.wait_for_workers(2, timeout=60)
    return partial(joblib.parallel_config, backend="dask")


@pytest.fixture
def make_table(tmp_path):
    """Make a table of text files of two numbers that separate two classes: ``make_table({3: "once"})``."""

    def make(words=(), n_clips=24):
        rng = np.random.default_rng(0)
        target = np.arange(n_clips) % 2
        numbers = rng.normal(size=(n_clips, 2)) + target[:, None]
        folder = tmp_path / f"clips{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        paths = [folder / f"{n:02d}.txt" for n in range(n_clips)]
        for n, (path, row) in enumerate(zip(paths, numbers, strict=True)):
            path.write_text(f"{float(row[0])!r} {float(row[1])!r} {dict(words).get(n, 'end')}")
        table = pd.DataFrame({"audio": list(map(str, paths)), "speaker": [f"s{n // 2 % 4}" for n in range(n_clips)]})
        return table.assign(clip_id=[path.stem for path in paths]), np.array(["calm", "loud"])[target]

    return make


def system():
    return make_pipeline(Numbers(), LogisticRegression())


def test_extraction_is_equal_bit_for_bit(on_dask, corpus):
    here = SpectralFeatures(cache=None).fit_transform(corpus.data)
    with on_dask():
        there = SpectralFeatures(cache=None).fit_transform(corpus.data)
    np.testing.assert_array_equal(there, here)


def test_killed_worker_changes_no_value(on_dask, make_table):
    here = Numbers().fit_transform(make_table()[0])
    with on_dask():
        there = Numbers().fit_transform(make_table({5: "once"})[0])
    np.testing.assert_array_equal(there, here)


def test_clip_that_kills_its_workers_is_named(on_dask, make_table):
    table, _ = make_table({5: "kill"}, n_clips=8)
    with on_dask(), pytest.raises(ClipError, match="its worker process ended without a result") as caught:
        Numbers().fit(table)
    assert caught.value.clip_id == "05"


@pytest.mark.parametrize("words", [{}, {5: "once"}], ids=["all live", "one is killed"])
def test_cross_validation_and_search_are_equal(on_dask, make_table, words):
    table, y = make_table()
    groups = table["speaker"]
    search = GridSearchCV(system(), {"logisticregression__C": [0.1, 1.0]}, cv=GroupKFold(2), error_score="raise")
    scores = cross_val_score(system(), table, y, groups=groups, cv=GroupKFold(4), error_score="raise")
    best = search.fit(table, y, groups=groups).cv_results_["split1_test_score"]
    table, _ = make_table(words)
    # A copy on every worker: a table that only one of them has would be lost with it.
    with on_dask(scatter=[table, y, groups]):
        on_cluster = cross_val_score(system(), table, y, groups=groups, cv=GroupKFold(4), error_score="raise")
        best_on_cluster = search.fit(table, y, groups=groups).cv_results_["split1_test_score"]
    np.testing.assert_array_equal(on_cluster, scores)
    np.testing.assert_array_equal(best_on_cluster, best)


@pytest.mark.parametrize("words", [{}, {5: "once"}], ids=["all live", "one is killed"])
def test_inner_folds_are_equal(on_dask, make_table, words):
    table, y = make_table()
    fusion = LateFusionClassifier([("a", system()), ("b", system())])
    expected = fusion.fit(table, y).predict_proba(table)
    table, _ = make_table(words)
    with on_dask():
        np.testing.assert_array_equal(fusion.fit(table, y).predict_proba(table), expected)


@pytest.mark.parametrize("words", [{}, {5: "once"}], ids=["all live", "one is killed"])
def test_evaluation_is_equal(on_dask, make_table, words, tmp_path):
    table, y = make_table()
    expected = evaluate({"logreg": system()}, (table, y), "speaker", leakage="ignore").predictions
    table, _ = make_table(words)
    with on_dask():
        report = evaluate({"logreg": system()}, (table, y), "speaker", leakage="ignore", folder=tmp_path / "folds")
    pd.testing.assert_frame_equal(report.predictions.drop(columns="fit_seconds"), expected.drop(columns="fit_seconds"))
    assert len(list((tmp_path / "folds").iterdir())) == 4


@pytest.mark.parametrize("words", [{}, {5: "once"}], ids=["all live", "one is killed"])
def test_extracted_dataset_is_equal(client, make_table, words, tmp_path):
    table, _ = make_table(words)
    result = extract_features(table, Numbers(), tmp_path / "features", engine="dask", chunk_size=5)
    assert (result.n_clips, result.n_failed, result.n_parts) == (24, 0, 5)
    found = pd.read_parquet(tmp_path / "features")
    assert found["clip_id"].tolist() == table["clip_id"].tolist()
    np.testing.assert_array_equal(found[["first", "second"]], Numbers().fit_transform(make_table()[0]))
