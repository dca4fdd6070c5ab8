"""AudioCNNClassifier is a scikit-learn classifier over the clip table, for each of the audio networks."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from savee_mm import ClipError, ClipGroupKFold, MFCCImage, PCACorrSelector, ProsodyFeatures
from savee_mm.classifiers.audio_cnn import AudioCNNClassifier
from savee_mm.features.mel_image import MelImage

SMALL = {"image": MFCCImage(n_mfcc=13, n_frames=60), "n_filters": 4, "n_units": 8, "epochs": 2, "random_state": 0}
SYSTEMS = {
    "cnn": {},
    "dual_cnn": {"second_image": MelImage(n_mels=16, n_frames=40)},
    "cnn_plus": {"features": ProsodyFeatures()},
    "all": {"second_image": MelImage(n_mels=16, n_frames=40), "features": ProsodyFeatures()},
}


# One step.
QUICK = {**SMALL, "epochs": 1, "batch_size": 21}

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def fitted(corpus):
    return AudioCNNClassifier(**SMALL, **SYSTEMS["all"]).fit(corpus.data, corpus.target)


@pytest.mark.parametrize("system", SYSTEMS)
def test_probabilities_are_a_distribution_over_the_emotions(corpus, system):
    clf = AudioCNNClassifier(**QUICK, **SYSTEMS[system]).fit(corpus.data, corpus.target)
    p = clf.predict_proba(corpus.data)
    assert p.shape == (21, 7)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert clf.classes_.tolist() == corpus.target_names
    assert len(clf.model_.inputs) == 1 + len(SYSTEMS[system])
    assert (clf.second_image_ is None) == ("second_image" not in SYSTEMS[system])
    assert (clf.features_ is None) == ("features" not in SYSTEMS[system])


def test_training_clips_are_learnt(corpus, graph_mode):
    params = {
        **SMALL,
        "n_filters": 8,
        "n_units": 16,
        "epochs": 40,
        "dropout": 0,
        "batch_size": 7,
        "learning_rate": 5e-3,
    }
    with graph_mode():
        clf = AudioCNNClassifier(**params).fit(corpus.data, corpus.target)
        assert clf.score(corpus.data, corpus.target) > 0.9


@pytest.mark.slow
def test_probabilities_depend_on_the_seed_only(fitted, corpus):
    again = AudioCNNClassifier(**SMALL, **SYSTEMS["all"]).fit(corpus.data, corpus.target)
    np.testing.assert_array_equal(again.predict_proba(corpus.data), fitted.predict_proba(corpus.data))
    other = again.set_params(random_state=1).fit(corpus.data, corpus.target)
    assert np.any(other.predict_proba(corpus.data) != fitted.predict_proba(corpus.data))


def test_pickle_keeps_parts_and_network(fitted, corpus):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(corpus.data), fitted.predict_proba(corpus.data))


def test_prediction_of_a_clip_does_not_depend_on_the_others(fitted, corpus):
    # Sums in another order are rounded differently.
    np.testing.assert_allclose(
        fitted.predict_proba(corpus.data.iloc[4:5]), fitted.predict_proba(corpus.data)[4:5], atol=1e-5
    )


def test_features_are_standardised_over_the_training_clips(fitted, corpus):
    Z = fitted.features_.transform(corpus.data)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    assert (np.isclose(Z.std(axis=0), 1) | np.isclose(Z.std(axis=0), 0)).all()


def test_inner_validation_clips_are_not_in_the_statistics(corpus):
    params = {**QUICK, "early_stopping": True, "validation_fraction": 0.3}
    clf = AudioCNNClassifier(**params, **SYSTEMS["cnn_plus"]).fit(corpus.data, corpus.target)
    assert clf.features_[-1].n_samples_seen_ < 21
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_video_is_not_needed(corpus):
    table = corpus.data[["audio"]]
    clf = AudioCNNClassifier(**QUICK).fit(table, corpus.target)
    assert clf.predict(table).shape == (21,)


def test_features_may_be_a_pipeline_that_needs_the_classes(corpus):
    features = make_pipeline(ProsodyFeatures(), PCACorrSelector(n_features=5))
    clf = AudioCNNClassifier(**QUICK, features=features).fit(corpus.data, corpus.target)
    assert clf.features_[-1].n_features_in_ <= 5


def test_cross_validation(corpus):
    clf = AudioCNNClassifier(**QUICK)
    scores = cross_val_score(clf, corpus.data, corpus.target, cv=ClipGroupKFold(2), error_score="raise")
    assert np.isfinite(scores).all()


@pytest.mark.slow
def test_grid_search_over_the_extractor(corpus):
    search = GridSearchCV(
        AudioCNNClassifier(**QUICK), {"image__n_mfcc": [13, 20]}, cv=GroupKFold(2), error_score="raise"
    )
    search.fit(corpus.data, corpus.target, groups=corpus.groups)
    assert search.best_estimator_.image_.n_mfcc == search.best_params_["image__n_mfcc"]


def test_kernels_reach_the_network(corpus):
    clf = AudioCNNClassifier(**QUICK, kernels=[[3, 5], [1, 7]]).fit(corpus.data, corpus.target)
    assert {(3, 5), (1, 7)} == {layer.kernel_size for layer in clf.model_.layers if hasattr(layer, "kernel_size")}


@pytest.mark.parametrize("kernels", [((5, 15),), ((5, 15), (3,)), ((5, 15), (3, 0)), ((5, 15), (3, 9.5)), (5, 15)])
def test_bad_kernels_are_refused(corpus, kernels):
    with pytest.raises(ValueError, match="kernels must be two pairs"):
        AudioCNNClassifier(**SMALL, kernels=kernels).fit(corpus.data, corpus.target)


def test_extractor_of_other_arrays_is_refused(corpus):
    with pytest.raises(ValueError, match="The second_image extractor must return 4-D arrays, as MFCCImage does"):
        AudioCNNClassifier(**SMALL, second_image=ProsodyFeatures()).fit(corpus.data, corpus.target)
    with pytest.raises(ValueError, match="dim 4"):
        AudioCNNClassifier(**SMALL, features=SMALL["image"]).fit(corpus.data, corpus.target)


def test_input_other_than_a_table_is_refused(corpus):
    with pytest.raises(ValueError, match=r"AudioCNNClassifier reads a clip table: .* the column 'audio' .*got list"):
        AudioCNNClassifier(**SMALL).fit(corpus.data["audio"].tolist(), corpus.target)


def test_broken_clip_is_named(fitted, corpus, tmp_path):
    (tmp_path / "cut.wav").write_bytes(b"RIFF")
    table = corpus.data.iloc[:1].assign(audio=str(tmp_path / "cut.wav"))
    with pytest.raises(ClipError, match=corpus.data["clip_id"].iloc[0]):
        fitted.predict(table)


def test_prediction_needs_a_fit(corpus):
    with pytest.raises(NotFittedError):
        AudioCNNClassifier().predict(corpus.data)
