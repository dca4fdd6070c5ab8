"""TransferClassifier: a frozen base that runs once per picture, under a head that learns."""

import pickle
import random
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from savee_mm._weights import LocalWeights, identify_weights
from savee_mm.classifiers.transfer import TransferClassifier
from savee_mm.networks import Regularization
from savee_mm.networks.transfer import Backbone, build_transfer, frozen_features, prepare_images

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
# Convolutions of VGG16's five blocks.
VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def stripes(n_clips=24, seed=0, channels=1):
    """Stripes that lie or stand, of any phase, in noise, with the sign and size of z-scores."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n_clips) % 2, "lying", "standing")
    phase = rng.uniform(0, 2 * np.pi, size=(n_clips, 1, 1))
    rows, columns = np.mgrid[:30, :40]
    axis = np.where((y == "lying")[:, np.newaxis, np.newaxis], rows, columns)
    X = np.sin(2 * np.pi * axis / 10 + phase) + 0.3 * rng.normal(size=(n_clips, 30, 40))
    return np.repeat(X[..., np.newaxis], channels, axis=-1).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted():
    return TransferClassifier(**SMALL).fit(*stripes())


@pytest.fixture(scope="module")
def weight_file(tmp_path_factory):
    """A file in the layout of Keras's no-top files (names of weights included), with random weights."""
    path = tmp_path_factory.mktemp("weights") / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    rng = np.random.default_rng(5)
    names, channels = [b"input_1"], 3
    with h5py.File(path, "w") as file:
        file.create_group("input_1").attrs["weight_names"] = []
        for block, (n_layers, filters) in enumerate(VGG16, start=1):
            for i in range(1, n_layers + 1):
                name = f"block{block}_conv{i}"
                kernel = rng.standard_normal((3, 3, channels, filters), dtype=np.float32) * np.sqrt(2 / 9 / channels)
                weights = {f"{name}_W_1:0": kernel, f"{name}_b_1:0": np.full(filters, 0.01, np.float32)}
                group = file.create_group(name)
                group.attrs["weight_names"] = [key.encode() for key in weights]
                for key, values in weights.items():
                    group[key] = values.astype(np.float32)
                names.append(name.encode())
                channels = filters
            file.create_group(f"block{block}_pool").attrs["weight_names"] = []
            names.append(f"block{block}_pool".encode())
        file.attrs["layer_names"] = names
    return path


def plain_vgg16(path):
    """The same layers from the same file, one by one, and the mean over the picture."""
    pictures = keras.Input((32, 32, 3))
    x, weights = pictures, []
    with h5py.File(path) as file:
        for block, (n_layers, filters) in enumerate(VGG16, start=1):
            for i in range(1, n_layers + 1):
                x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
                weights += [file[f"block{block}_conv{i}/block{block}_conv{i}_{kind}_1:0"][:] for kind in "Wb"]
            x = keras.layers.MaxPooling2D()(x)
        model = keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(x))
    model.set_weights(weights)
    return model


def test_pictures_are_stretched_to_bytes_and_squared():
    picture = np.linspace(-3, 3, 12, dtype=np.float32).reshape(1, 3, 4, 1)
    squares = prepare_images(picture, 32)
    assert squares.shape == (1, 32, 32, 3)
    assert (squares.min(), squares.max()) == (0, 255)
    np.testing.assert_array_equal(squares[..., 0], squares[..., 2])
    np.testing.assert_allclose(squares, prepare_images(10 * picture + 7, 32), atol=1e-3)
    assert not prepare_images(np.full((1, 8, 8, 3), 4, np.float32), 32).any()
    # Smoothed, not sampled: of lines that are too fine nothing but their mean is left.
    lines = np.zeros((1, 40, 320, 1), np.float32)
    lines[:, :, ::2] = 1
    np.testing.assert_allclose(prepare_images(lines, 32)[:, :, 2:-2], 127.5, atol=3)


def test_colours_keep_their_channels():
    picture = np.zeros((1, 32, 32, 3), np.float32)
    picture[..., 1] = 1
    np.testing.assert_allclose(prepare_images(picture, 32)[0, 5, 5], [0, 255, 0])


def test_a_file_of_keras_is_loaded(weight_file):
    pictures = np.random.default_rng(0).random((3, 32, 32, 3)).astype(np.float32)
    features = frozen_features(Backbone("vgg16", 32, identify_weights(weight_file)), pictures)
    inputs = keras.applications.vgg16.preprocess_input(prepare_images(pictures, 32).copy())
    np.testing.assert_allclose(features, plain_vgg16(weight_file)(inputs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("trainable_layers", [1, 5])
def test_a_cut_network_begins_as_the_whole_one(weight_file, trainable_layers):
    weights = identify_weights(weight_file)
    pictures = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    backbone = Backbone("vgg16", 32, weights, trainable_layers=trainable_layers)
    features = frozen_features(backbone, pictures)
    model = build_transfer(backbone, features.shape[1:], 2, n_units=4, rules=Regularization())
    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    whole = frozen_features(Backbone("vgg16", 32, weights), pictures)
    np.testing.assert_allclose(keras.Model(model.input, pooled.output)(features), whole, rtol=1e-4, atol=1e-4)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "other.h5").write_text("no weights")
    with pytest.raises(ValueError, match="not weights of vgg16 without its dense layers, or damaged"):
        TransferClassifier(**{**SMALL, "weights": tmp_path / "other.h5"}).fit(*stripes())


def test_stripes_are_learnt(fitted):
    X, y = stripes(seed=1)
    assert fitted.score(X, y) > 0.9
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))


def test_level_and_unit_of_a_picture_do_not_matter(fitted):
    X, _ = stripes(4, seed=1)
    np.testing.assert_allclose(fitted.predict_proba(50 * X - 3), fitted.predict_proba(X), atol=1e-3)


def test_same_seed_same_probabilities(fitted):
    X, y = stripes()
    again = TransferClassifier(**SMALL, cache=None).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_global_generators_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    backbone = Backbone("vgg16", 32, None, seed=7, trainable_layers=1)
    shape = frozen_features(backbone, stripes(1)[0]).shape[1:]
    build_transfer(backbone, shape, 2, n_units=4, rules=Regularization(dropout=0.5))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_clone_and_pickle(fitted):
    X, _ = stripes(seed=1)
    assert clone(fitted).get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)
    archive = pickle.dumps(fitted)
    assert len(archive) < 1_000_000  # the base has 59 MB
    np.testing.assert_array_equal(pickle.loads(archive).predict_proba(X), fitted.predict_proba(X))


def test_prediction_in_another_process(fitted, tmp_path):
    X, _ = stripes(4, seed=1)
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps((fitted, X)))
    code = (
        "import pickle, sys; clf, X = pickle.load(open(sys.argv[1], 'rb')); print(clf.predict_proba(X)[:, 0].tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "clf.pickle"], capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(np.array(eval(run.stdout)), fitted.predict_proba(X)[:, 0], atol=1e-6)


def test_weights_of_the_store_are_found_and_watched(weight_file, tmp_path, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path / "empty"))
    clf = TransferClassifier(**{**SMALL, "weights": "imagenet", "epochs": 1})
    X, y = stripes(4)
    with pytest.raises(FileNotFoundError, match="savee-mm fetch-weights vgg16"):
        clf.fit(X, y)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(weight_file.parent))
    p = clf.fit(X, y).predict_proba(X)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(X), p)
    other = tmp_path / weight_file.name
    other.write_bytes(b"another file")
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(ValueError, match="are not those of the fit"):
        copy.predict_proba(X)


def test_the_cache_knows_the_picture(tmp_path):
    X, y = stripes(6)
    params = {**SMALL, "epochs": 1, "cache": tmp_path}
    TransferClassifier(**params).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 6
    TransferClassifier(**{**params, "n_units": 4}).fit(X[:4], y[:4], validation_data=(X[4:], y[4:]))
    assert len(list(tmp_path.iterdir())) == 6


def test_bases_are_known_by_what_they_compute():
    here, there, other = LocalWeights("a.h5", "12"), LocalWeights("b/a.h5", "12"), LocalWeights("a.h5", "34")
    assert repr(Backbone("vgg16", 32, here)) == repr(Backbone("vgg16", 32, there))
    assert repr(Backbone("vgg16", 32, here)) != repr(Backbone("vgg16", 32, other))
    random_ones = [("vgg16", 32, None, 0), ("vgg16", 40, None, 0), ("vgg16", 32, None, 1), ("vgg16", 32, None, 0, 1)]
    assert len({repr(Backbone(*fields)) for fields in random_ones}) == 4


def test_unfrozen_blocks_move_by_a_tenth_and_are_stored(fitted):
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
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X))
    # The base that this process keeps for others has not moved.
    np.testing.assert_array_equal(frozen_features(frozen, X[:2]), before)


def test_early_stopping_watches_the_validation_clips():
    params = {**SMALL, "epochs": 100, "early_stopping": True, "patience": 1, "learning_rate": 0.05}
    clf = TransferClassifier(**params).fit(*stripes(), validation_data=stripes(8, seed=2))
    assert clf.n_epochs_ < 100
    assert len(clf.history_["val_loss"]) == clf.n_epochs_
    with pytest.raises(ValueError, match="needs validation_data"):
        TransferClassifier(**params).fit(*stripes())


def test_cross_validation_of_colour_pictures():
    X, y = stripes(8, channels=3)
    clf = TransferClassifier(**{**SMALL, "epochs": 1, "backbone": "vgg19"})
    assert cross_val_score(clf, X, y, cv=2, error_score="raise").shape == (2,)


def test_mobilenet_is_frozen_and_needs_its_file(shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    params = {**SMALL, "backbone": "mobilenet", "weights": "imagenet"}
    X, y = stripes(16)
    clf = TransferClassifier(**params).fit(X, y)
    assert clf.score(*stripes(8, seed=1)) > 0.9
    assert clf.model_.input_shape == (None, 1024)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X))
    for bad in ({"trainable_layers": 1}, {"weights": None}):
        with pytest.raises(ValueError, match="cannot be trained: it needs weights and trainable_layers=0"):
            TransferClassifier(**{**params, **bad}).fit(X, y)


def test_a_file_that_is_no_mobilenet_is_refused(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"no model")
    with pytest.raises(ValueError, match="not a TensorFlow Lite model"):
        TransferClassifier(backbone="mobilenet", weights=tmp_path / "other.tflite").fit(*stripes(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[..., 0], y), r"got an array of shape \(24, 30, 40\)"),
        (
            lambda X, y: (np.repeat(X, 2, axis=-1), y),
            r"1 or 3\), at least one, got an array of shape \(24, 30, 40, 2\)",
        ),
        (lambda X, y: (X[:0], y[:0]), "at least one"),
        (lambda X, y: (np.where(X > 1.5, np.nan, X), y), "NaN or infinite pixels"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X.astype(str), y), "type <U"),
        (lambda X, y: (X, None), "target y is None"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        TransferClassifier(**SMALL).fit(*change(*stripes()))


def test_other_shape_at_prediction_is_refused(fitted):
    with pytest.raises(ValueError, match=r"images of shape \(n_clips, 30, 40, 1\)"):
        fitted.predict(np.zeros((2, 8, 8, 1)))


@pytest.mark.parametrize("bad", [{"size": 16}, {"trainable_layers": 6}, {"backbone": "resnet"}, {"weights": 3}])
def test_bad_parameter_is_named(bad):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        TransferClassifier(**bad).fit(*stripes())


# ---- clips of frames


def test_clip_of_frames_has_the_mean_of_its_frames():
    X, y = stripes(channels=3)
    clips = np.stack([X, X[:, :, ::-1], X], axis=1)
    clf = TransferClassifier(**SMALL).fit(clips, y)
    assert clf.input_shape_ == (3, 30, 40, 3)
    frames = [clf._picture_features(np.ascontiguousarray(clips[:, t])) for t in range(3)]
    np.testing.assert_allclose(clf._features(clips), np.mean(frames, axis=0), rtol=1e-5, atol=1e-6)
    p = clf.predict_proba(clips)
    np.testing.assert_allclose(clf.predict_proba(clips[:, ::-1]), p, atol=1e-5)
    assert (clf.predict(clips) == y).mean() > 0.9


def test_one_picture_many_times_is_that_picture():
    X, y = stripes()
    p = TransferClassifier(**SMALL).fit(X, y).predict_proba(X)
    clips = np.repeat(X[:, np.newaxis], 2, axis=1)
    np.testing.assert_allclose(TransferClassifier(**SMALL).fit(clips, y).predict_proba(clips), p, atol=1e-4)


def test_frames_need_a_network_that_is_frozen():
    X, y = stripes(n_clips=4)
    with pytest.raises(ValueError, match="clips of frames need trainable_layers=0, got trainable_layers=1"):
        TransferClassifier(**{**SMALL, "trainable_layers": 1}).fit(X[:, np.newaxis], y)


@pytest.mark.parametrize("shape", [(4, 2, 3, 30, 40, 1), (4, 2, 30, 40, 2), (4, 0, 30, 40, 1)])
def test_other_frames_are_refused(shape):
    with pytest.raises(ValueError, match="got an array of shape"):
        TransferClassifier(**SMALL).fit(np.zeros(shape), list("abab"))


def test_frames_where_pictures_were_trained_on_are_refused(fitted):
    with pytest.raises(ValueError, match=r"images of shape \(n_clips, 30, 40, 1\)"):
        fitted.predict(np.zeros((2, 3, 30, 40, 1)))
