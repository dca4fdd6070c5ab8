"""TransferClassifier: frozen features, computed once per image and cached, and a head that is trained."""

import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from savee_mm.classifiers.transfer import TransferClassifier
from savee_mm.networks import Regularization
from savee_mm.networks.transfer import Backbone, build_transfer, frozen_features

SMALL = {
    "backbone": "vgg16",
    "weights": None,
    "size": 32,
    "n_units": 16,
    "epochs": 12,
    "batch_size": 12,
    "learning_rate": 3e-3,
    "random_state": 0,
}


def stripes(n_clips=24, seed=0, channels=1):
    """Images of horizontal or vertical stripes of random phase in noise, in the range of z-scores."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n_clips) % 2, "horizontal", "vertical")
    phase = rng.uniform(0, 2 * np.pi, size=(n_clips, 1, 1))
    rows, columns = np.mgrid[:30, :40]
    axis = np.where((y == "horizontal")[:, np.newaxis, np.newaxis], rows, columns)
    X = np.sin(2 * np.pi * axis / 10 + phase) + 0.3 * rng.normal(size=(n_clips, 30, 40))
    return np.repeat(X[..., np.newaxis], channels, axis=-1).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted():
    return TransferClassifier(**SMALL).fit(*stripes())


def test_other_file_is_refused(tmp_path):
    (tmp_path / "other.h5").write_text("no weights")
    with pytest.raises(ValueError, match="not weights of vgg16 without its dense layers, or damaged"):
        TransferClassifier(**{**SMALL, "weights": tmp_path / "other.h5"}).fit(*stripes())


def test_stripes_are_learnt(fitted):
    X, y = stripes(seed=1)
    assert fitted.score(X, y) > 0.9
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))


def test_level_and_unit_of_an_image_do_not_matter(fitted):
    X, _ = stripes(4, seed=1)
    np.testing.assert_allclose(fitted.predict_proba(50 * X - 3), fitted.predict_proba(X), atol=1e-3)


def test_same_seed_gives_the_same_probabilities(fitted):
    X, y = stripes()
    again = TransferClassifier(**SMALL, cache=None).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_global_generators_do_not_change():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    backbone = Backbone("vgg16", 32, None, seed=7, trainable_layers=1)
    shape = frozen_features(backbone, stripes(1)[0]).shape[1:]
    build_transfer(backbone, shape, 2, n_units=4, rules=Regularization(dropout=0.5))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_clone_is_unfitted(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(stripes()[0])


def test_pickle_is_small_and_keeps_the_probabilities(fitted):
    X, _ = stripes(seed=1)
    archive = pickle.dumps(fitted)
    assert len(archive) < 1_000_000  # the base has 59 MB
    np.testing.assert_allclose(pickle.loads(archive).predict_proba(X), fitted.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_another_process_predicts_the_same(fitted, tmp_path):
    X, _ = stripes(4, seed=1)
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps((fitted, X)))
    code = (
        "import pickle, sys; clf, X = pickle.load(open(sys.argv[1], 'rb')); print(clf.predict_proba(X)[:, 0].tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "clf.pickle"], capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(np.array(eval(run.stdout)), fitted.predict_proba(X)[:, 0], atol=1e-6)


def test_missing_weights_are_an_error_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="savee-mm fetch-weights vgg16"):
        TransferClassifier(**{**SMALL, "weights": "imagenet"}).fit(*stripes(4))


def test_prediction_needs_the_weights_of_the_fit(vgg16_file, tmp_path, monkeypatch):
    clf = TransferClassifier(**{**SMALL, "weights": "imagenet", "epochs": 1})
    X, y = stripes(4)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(vgg16_file.parent))
    p = clf.fit(X, y).predict_proba(X)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(X), p)
    other = tmp_path / vgg16_file.name
    other.write_bytes(b"another file")
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(ValueError, match="are not those of the fit"):
        copy.predict_proba(X)


def test_features_are_cached_by_image(tmp_path):
    X, y = stripes(6)
    params = {**SMALL, "epochs": 1, "cache": tmp_path}
    TransferClassifier(**params).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 6
    TransferClassifier(**{**params, "n_units": 4}).fit(X[:4], y[:4], validation_data=(X[4:], y[4:]))
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.slow
def test_trainable_blocks_learn_at_a_tenth_of_the_rate_and_are_stored(fitted):
    X, y = stripes(8)
    frozen = Backbone("vgg16", 32, None, fitted.base_seed_)
    before = frozen_features(frozen, X[:2])
    # One step of Adam moves every weight that has a gradient by the learning rate.
    params = {**SMALL, "trainable_layers": 1, "epochs": 1, "batch_size": 8, "l2": 0, "dropout": 0}
    clf = TransferClassifier(**params).fit(X, y)
    start = build_transfer(clf._base(), clf.model_.input_shape[1:], 2, n_units=16, rules=Regularization())
    block = clf.model_.get_layer("block5_conv3").get_weights()[0] - start.get_layer("block5_conv3").get_weights()[0]
    rate = SMALL["learning_rate"]
    assert np.abs(block).max() == pytest.approx(rate / 10, rel=1e-2)
    bias = clf.model_.get_layer("probabilities").get_weights()[1]
    np.testing.assert_allclose(np.abs(bias), rate, rtol=1e-2)
    np.testing.assert_allclose(
        pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-6
    )
    # The cached base of other estimators has not changed.
    np.testing.assert_array_equal(frozen_features(frozen, X[:2]), before)


def test_early_stopping_depends_on_the_validation_clips():
    params = {**SMALL, "epochs": 100, "early_stopping": True, "patience": 1, "learning_rate": 0.05}
    clf = TransferClassifier(**params).fit(*stripes(), validation_data=stripes(8, seed=2))
    assert clf.n_epochs_ < 100
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_early_stopping_needs_validation_clips():
    with pytest.raises(ValueError, match="needs validation_data"):
        TransferClassifier(**SMALL, early_stopping=True).fit(*stripes())


@pytest.mark.slow
def test_cross_validation_of_colour_images():
    X, y = stripes(8, channels=3)
    clf = TransferClassifier(**{**SMALL, "epochs": 1, "backbone": "vgg19"})
    assert cross_val_score(clf, X, y, cv=2, error_score="raise").shape == (2,)


@pytest.mark.slow
def test_mobilenet_features_are_learnt_from(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    params = {**SMALL, "backbone": "mobilenet", "weights": "imagenet"}
    X, y = stripes(16)
    clf = TransferClassifier(**params).fit(X, y)
    assert clf.score(*stripes(8, seed=1)) > 0.9
    assert clf.model_.input_shape == (None, 1024)
    np.testing.assert_allclose(
        pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("bad", [{"trainable_layers": 1}, {"weights": None}])
def test_mobilenet_cannot_be_trained(bad):
    params = {**SMALL, "backbone": "mobilenet", "weights": "imagenet", **bad}
    with pytest.raises(ValueError, match="cannot be trained: it needs weights and trainable_layers=0"):
        TransferClassifier(**params).fit(*stripes(4))


def test_other_file_than_mobilenet_is_refused(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"no model")
    with pytest.raises(ValueError, match="not a TensorFlow Lite model"):
        TransferClassifier(backbone="mobilenet", weights=tmp_path / "other.tflite").fit(*stripes(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[..., 0], y), r"got an array of shape \(24, 30, 40\)"),
        (
            lambda X, y: (np.repeat(X, 2, axis=-1), y),
            r"1 or 3\), got an array of shape \(24, 30, 40, 2\)",
        ),
        (lambda X, y: (X[:0], y[:0]), "at least one clip"),
        (lambda X, y: (np.where(X > 1.5, np.nan, X), y), "NaN or infinite pixels"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X.astype(str), y), "type <U"),
        (lambda X, y: (X, None), "target y is None"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TransferClassifier(**SMALL).fit(*change(*stripes()))


def test_other_shape_at_prediction_is_refused(fitted):
    with pytest.raises(ValueError, match=r"images of shape \(n_clips, 30, 40, 1\)"):
        fitted.predict(np.zeros((2, 8, 8, 1)))


@pytest.mark.parametrize("bad", [{"size": 16}, {"trainable_layers": 6}, {"backbone": "resnet"}, {"weights": 3}])
def test_bad_parameter_is_refused(bad):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        TransferClassifier(**bad).fit(*stripes())


# ---- clips of frames


def test_features_are_averaged_over_frames():
    X, y = stripes(channels=3)
    clips = np.stack([X, X[:, :, ::-1], X], axis=1)
    clf = TransferClassifier(**SMALL).fit(clips, y)
    assert clf.input_shape_ == (3, 30, 40, 3)
    frames = [clf._image_features(np.ascontiguousarray(clips[:, t])) for t in range(3)]
    np.testing.assert_allclose(clf._features(clips), np.mean(frames, axis=0), rtol=1e-5, atol=1e-6)
    p = clf.predict_proba(clips)
    np.testing.assert_allclose(clf.predict_proba(clips[:, ::-1]), p, atol=1e-5)
    assert (clf.predict(clips) == y).mean() > 0.9


def test_repeated_frame_equals_the_single_image():
    X, y = stripes()
    p = TransferClassifier(**SMALL).fit(X, y).predict_proba(X)
    clips = np.repeat(X[:, np.newaxis], 2, axis=1)
    np.testing.assert_allclose(TransferClassifier(**SMALL).fit(clips, y).predict_proba(clips), p, atol=1e-4)


def test_trainable_blocks_read_every_frame():
    X, y = stripes(n_clips=4)
    clips = np.stack([X, X[:, :, ::-1]], axis=1)
    clf = TransferClassifier(**{**SMALL, "trainable_layers": 1, "epochs": 1}).fit(clips, y)
    p = clf.predict_proba(clips)
    np.testing.assert_allclose(clf.predict_proba(clips[:, ::-1]), p, atol=1e-5)
    assert np.abs(clf.predict_proba(clips[:, [0, 0]]) - p).max() > 1e-4
    np.testing.assert_allclose(pickle.loads(pickle.dumps(clf)).predict_proba(clips), p, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2, 3, 30, 40, 1), (4, 2, 30, 40, 2), (4, 0, 30, 40, 1)])
def test_frames_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="got an array of shape"):
        TransferClassifier(**SMALL).fit(np.zeros(shape), list("abab"))


def test_frames_are_refused_if_training_had_images(fitted):
    with pytest.raises(ValueError, match=r"images of shape \(n_clips, 30, 40, 1\)"):
        fitted.predict(np.zeros((2, 3, 30, 40, 1)))
