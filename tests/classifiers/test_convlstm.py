"""ConvLSTMClassifier is a scikit-learn classifier over sequences of images."""

import gc
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import ConvLSTMClassifier, save_model
from savee_mm._rows import RowFile
from savee_mm.classifiers.convlstm import _check_sequences

SMALL = {"n_filters": 8, "n_units": 16, "epochs": 20, "batch_size": 8, "learning_rate": 3e-3, "random_state": 0}
# One step.
QUICK = {**SMALL, "epochs": 1, "batch_size": 24}
STOPPING = {**SMALL, "epochs": 200, "early_stopping": True, "patience": 2, "learning_rate": 0.01}

pytestmark = pytest.mark.usefixtures("eager")


def moving_bars(n_clips=24, seed=0):
    """Clips of a bright bar that moves up or down; the two classes differ only in the order of the frames."""
    rng = np.random.default_rng(seed)
    X = 0.1 * rng.random((n_clips, 4, 16, 16, 3)).astype(np.float32)
    y = np.where(np.arange(n_clips) % 2, "up", "down")
    for clip, label in zip(X, y, strict=True):
        start = rng.integers(0, 4)
        for t in range(4):
            row = start + 3 * (t if label == "down" else 3 - t)
            clip[t, row : row + 2] += 0.8
    return X, y


@pytest.fixture(scope="module")
def fitted(graph_mode):
    """The classifier after 20 epochs, trained as a graph."""
    with graph_mode():
        return ConvLSTMClassifier(**SMALL).fit(*moving_bars())


@pytest.fixture(scope="module")
def quick():
    """The classifier after one step."""
    return ConvLSTMClassifier(**QUICK).fit(*moving_bars())


def test_order_in_time_is_learnt(fitted, graph_mode):
    X, y = moving_bars(seed=1)
    with graph_mode():
        assert fitted.score(X, y) > 0.9
        assert fitted.score(X[:, ::-1], y) < 0.1
    assert fitted.classes_.tolist() == ["down", "up"]


def test_probabilities_sum_to_one_and_agree_with_predict(fitted):
    X, _ = moving_bars(seed=1)
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))


def test_prediction_of_a_clip_does_not_depend_on_the_others(fitted):
    X, _ = moving_bars(100)
    # Sums in another order are rounded differently.
    np.testing.assert_allclose(fitted.predict_proba(X)[70:71], fitted.predict_proba(X[70:71]), atol=1e-6)


def test_same_seed_gives_the_same_probabilities(fitted, graph_mode):
    X, y = moving_bars()
    with graph_mode():
        again = ConvLSTMClassifier(**SMALL).fit(X, y)
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_other_seed_gives_other_probabilities(quick):
    X, y = moving_bars()
    other = ConvLSTMClassifier(**{**QUICK, "random_state": 1}).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), quick.predict_proba(X))


def test_clone_is_unfitted(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(moving_bars()[0])


def test_pickle_keeps_the_probabilities(fitted):
    X, _ = moving_bars(seed=1)
    np.testing.assert_allclose(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X), rtol=0, atol=1e-6
    )


def test_augmentation_is_not_part_of_the_fitted_network(quick):
    plain = ConvLSTMClassifier(**QUICK, augment_frames=False).fit(*moving_bars())
    assert [type(layer) for layer in quick.model_.layers] == [type(layer) for layer in plain.model_.layers]


def test_prediction_is_not_random(quick):
    X, _ = moving_bars(seed=1)
    np.testing.assert_array_equal(quick.predict_proba(X), quick.predict_proba(X))


@pytest.fixture(scope="module")
def loss_of_the_first_step():
    return ConvLSTMClassifier(**QUICK, dropout=0).fit(*moving_bars()).history_["loss"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"augment_frames": False},
        {"flip": False},
        {"shift": 0},
        {"rotation": 0},
        {"zoom": 0},
        {"brightness": 0},
        {"occlusion": 0},
        {"label_smoothing": 0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_kind_of_augmentation_and_label_smoothing_change_the_loss(change, loss_of_the_first_step):
    without = ConvLSTMClassifier(**QUICK, dropout=0, **change).fit(*moving_bars())
    assert not np.allclose(loss_of_the_first_step, without.history_["loss"], rtol=1e-4)


@pytest.mark.slow
def test_augmentation_is_reproducible_with_early_stopping():
    X, y = moving_bars()
    params = {**QUICK, "epochs": 2, "early_stopping": True}
    first, second = (ConvLSTMClassifier(**params).fit(X, y, validation_data=moving_bars(seed=2)) for _ in range(2))
    assert first.history_ == second.history_
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_channels_are_averaged():
    X, y = moving_bars()
    tinted = X.mean(axis=-1, keepdims=True) * np.array([1.5, 1, 0.5], np.float32)
    grey = np.repeat(tinted.mean(axis=-1, keepdims=True), 3, axis=-1)
    one, other = (ConvLSTMClassifier(**{**QUICK, "epochs": 2}).fit(frames, y) for frames in (tinted, grey))
    np.testing.assert_allclose(one.predict_proba(tinted), other.predict_proba(grey), atol=1e-4)


def test_mirrored_clips_get_the_same_probabilities_if_training_flipped(quick):
    X, _ = moving_bars()
    np.testing.assert_allclose(quick.predict_proba(X[..., ::-1, :]), quick.predict_proba(X), atol=1e-6)


def test_mirrored_clips_get_other_probabilities_if_training_did_not_flip():
    X, y = moving_bars()
    plain = ConvLSTMClassifier(**{**QUICK, "batch_size": 8}, flip=False).fit(X, y)
    assert not np.allclose(plain.predict_proba(X[..., ::-1, :]), plain.predict_proba(X), atol=1e-4)


def test_parameters_set_after_fit_do_not_change_the_prediction(quick):
    X, _ = moving_bars()
    copy = pickle.loads(pickle.dumps(quick)).set_params(flip=False)
    np.testing.assert_array_equal(copy.predict_proba(X), quick.predict_proba(X))


@pytest.mark.parametrize(("n_units", "sizes"), [(16, [16, 2]), (None, [2])])
def test_dense_layer_is_optional(n_units, sizes):
    clf = ConvLSTMClassifier(**{**QUICK, "n_units": n_units}).fit(*moving_bars())
    assert [layer.units for layer in clf.model_.layers if hasattr(layer, "units")] == sizes


def test_another_process_predicts_the_same_from_a_model_file(fitted, graph_mode, tmp_path):
    X, _ = moving_bars(seed=1)
    np.save(tmp_path / "X.npy", X)
    save_model(fitted, tmp_path / "model.savee")
    code = (
        "import numpy as np; from savee_mm import load_model;"
        "np.save('p.npy', load_model('model.savee').predict_proba(np.load('X.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, timeout=300)
    with graph_mode():
        np.testing.assert_allclose(np.load(tmp_path / "p.npy"), fitted.predict_proba(X), rtol=0, atol=1e-6)


def test_history_has_one_value_for_each_epoch(fitted):
    assert set(fitted.history_) == {"loss", "accuracy"}
    assert len(fitted.history_["loss"]) == fitted.n_epochs_ == SMALL["epochs"]
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]


def test_clips_of_weight_zero_are_not_learnt(graph_mode):
    X, y = moving_bars()
    wrong = np.where(np.arange(len(y)) < 12, y, np.where(y == "up", "down", "up"))
    weight = (np.arange(len(y)) < 12).astype(float)
    with graph_mode():
        clf = ConvLSTMClassifier(**{**SMALL, "epochs": 30}).fit(X, wrong, sample_weight=weight)
    assert clf.score(*moving_bars(seed=1)) > 0.9


def test_early_stopping_depends_on_the_validation_clips(graph_mode):
    with graph_mode():
        clf = ConvLSTMClassifier(**STOPPING).fit(*moving_bars(), validation_data=moving_bars(seed=2))
    assert clf.n_epochs_ < 200
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_repeated_fits_add_no_graphs(graph_mode):
    import tensorflow as tf

    def n_graphs():
        gc.collect()
        # isinstance would dereference weak proxies, whose objects may be gone.
        return sum(issubclass(type(thing), tf.Graph) for thing in gc.get_objects())

    counts = []
    with graph_mode():
        for random_state in range(3):
            clf = ConvLSTMClassifier(**{**STOPPING, "random_state": random_state})
            clf.fit(*moving_bars(), validation_data=moving_bars(seed=2)).predict(moving_bars()[0])
            del clf
            counts.append(n_graphs())
    assert counts[2] <= counts[1] <= counts[0] + 4


def test_early_stopping_without_validation_clips_is_refused():
    with pytest.raises(ValueError, match="needs validation_data"):
        ConvLSTMClassifier(early_stopping=True).fit(*moving_bars())


def test_cross_validation():
    assert cross_val_score(ConvLSTMClassifier(**QUICK), *moving_bars(), cv=2, error_score="raise").shape == (2,)


@pytest.mark.slow
def test_grid_search_through_a_pipeline():
    brighter = make_pipeline(FunctionTransformer(np.sqrt), ConvLSTMClassifier(**{**QUICK, "epochs": 2}))
    search = GridSearchCV(brighter, {"convlstmclassifier__n_units": [4, 8]}, cv=2, error_score="raise")
    assert search.fit(*moving_bars()).best_estimator_[-1].n_epochs_ == 2


@pytest.mark.slow
def test_balanced_class_weight_favours_rare_classes():
    X, y = moving_bars(40)
    rare = np.r_[np.flatnonzero(y == "up")[:2], np.flatnonzero(y == "down")]
    balanced, plain = (
        ConvLSTMClassifier(**{**SMALL, "epochs": 2}, class_weight=weight).fit(X[rare], y[rare])
        for weight in ("balanced", None)
    )
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[:, 0], y), r"got an array of shape \(24, 16, 16, 3\)"),
        (lambda X, y: (X[:0], y[:0]), "at least one clip"),
        (lambda X, y: (np.where(X > 0.85, np.nan, X), y), "NaN or infinite pixels"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X[y == "up"], y[y == "up"]), "at least two classes, got 12 clips of one class"),
        (lambda X, y: (X.astype(str), y), "type <U"),
        (lambda X, y: (X, None), "target y is None"),
        (lambda X, y: (X, [None, *y[1:]]), r"y is missing for the clips \[0\]"),
        (lambda X, y: (X, np.linspace(0, 1, len(y))), "Unknown label type: continuous"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ConvLSTMClassifier(**SMALL).fit(*change(*moving_bars()))


def test_other_shape_at_prediction_is_refused(quick):
    with pytest.raises(ValueError, match="Expected frames of shape"):
        quick.predict(np.zeros((2, 4, 8, 8, 3)))


def test_unknown_validation_class_is_refused():
    X, y = moving_bars()
    with pytest.raises(ValueError, match=r"not in training: \['left'\]"):
        ConvLSTMClassifier(**SMALL).fit(X, y, validation_data=(X[:1], ["left"]))


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"dropout": 1.0}, {"l2": -1}, {"class_weight": "even"}, {"shift": 1}, {"augment_frames": 2}]
)
def test_bad_parameter_is_named(bad):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        ConvLSTMClassifier(**bad).fit(*moving_bars())


def test_divergence_is_an_error():
    clf = ConvLSTMClassifier(**{**SMALL, "epochs": 2, "learning_rate": 1e10})
    with pytest.raises(ValueError, match="training diverged"):
        clf.fit(*moving_bars())
    with pytest.raises(NotFittedError):
        clf.predict(moving_bars()[0])


def test_verbose_shows_a_bar_over_the_epochs(capsys):
    ConvLSTMClassifier(**{**QUICK, "epochs": 2}, verbose=True).fit(*moving_bars())
    assert "ConvLSTMClassifier" in capsys.readouterr().err


def test_file_that_is_mapped_into_memory_gives_the_same_probabilities(quick, tmp_path):
    X, y = moving_bars()
    np.save(tmp_path / "frames.npy", X)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    np.testing.assert_array_equal(clone(quick).fit(mapped, y).predict_proba(mapped), quick.predict_proba(X))


def test_file_of_rows_gives_the_same_probabilities_and_scores(quick, tmp_path):
    X, y = moving_bars()
    X.astype(np.float32).tofile(tmp_path / "frames")
    rows = RowFile(tmp_path / "frames", X.shape, np.float32)
    clf = clone(quick).set_params(early_stopping=True, patience=1)
    fitted = (clone(clf).fit(frames, y, validation_data=(frames[::2], y[::2])) for frames in (X, rows))
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in fitted))
    np.testing.assert_array_equal(
        *(cross_val_score(quick, frames, y, cv=2, error_score="raise") for frames in (X, rows))
    )


def test_mapped_file_is_checked_in_parts(tmp_path):
    peaks = []
    for n_clips in (100, 2000):
        mapped = np.lib.format.open_memmap(tmp_path / f"{n_clips}.npy", "w+", np.float32, (n_clips, 2, 16, 16, 3))
        tracemalloc.start()
        assert np.shares_memory(_check_sequences(mapped), mapped)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    mapped[1500, 1] = np.inf
    with pytest.raises(ValueError, match=r"Clips \[1500\] contain NaN or infinite pixels"):
        _check_sequences(mapped)
