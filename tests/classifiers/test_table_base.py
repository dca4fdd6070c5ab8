"""Networks over the clip table: inner split before augmentation, weights of copies, any transformer as a part."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import AudioFeatures, FaceFrameSampler, FusionClassifier, MelImage, MFCCImage, ProsodyFeatures, _rows
from savee_mm._rows import RowFile
from savee_mm.augmentation import AudioAugmenter
from savee_mm.classifiers.audio_cnn import AudioCNNClassifier

SMALL = {"image": MFCCImage(n_mfcc=13, n_frames=60), "n_filters": 4, "n_units": 8, "epochs": 1, "random_state": 0}
# Noise only: it is fast and always changes the image.
QUICK = {"semitones": None, "stretch_rate": None, "gain": None, "polarity": False}

pytestmark = pytest.mark.usefixtures("eager")


class Witness(AudioAugmenter):
    """An augmenter that records its input."""

    seen = []

    def fit_resample(self, X, y):
        more, labels = super().fit_resample(X, y)
        Witness.seen.append((X, y, more, self.random_state))
        return more, labels


class Wrapped(TransformerMixin, BaseEstimator):
    """A transformer over the table around an extractor, such as one that normalises by speaker."""

    def __init__(self, extractor=None):
        self.extractor = extractor

    def fit(self, X, y=None):
        self.extractor_ = clone(self.extractor).fit(X)
        self.speakers_ = sorted(X["speaker"].unique())
        return self

    def transform(self, X):
        return self.extractor_.transform(X)


class Recorder:
    """Records the input of a network."""

    def _fit_network(self, inputs, y, sample_weight, validation):
        self.given_ = inputs, y, sample_weight, validation
        super()._fit_network(inputs, y, sample_weight, validation)


class Recording(Recorder, AudioCNNClassifier):
    """The estimator, recording the input of its network."""


class RecordingFusion(Recorder, FusionClassifier):
    """The fusion, recording the input of its network."""


@pytest.fixture
def witness():
    Witness.seen.clear()
    return Witness(n_copies=2, **QUICK)


@pytest.mark.parametrize("inner_groups", ["clip_id", "speaker"])
def test_inner_validation_has_no_copy_and_no_group_of_training(corpus, witness, inner_groups):
    params = {**SMALL, "early_stopping": True, "inner_groups": inner_groups, "validation_fraction": 0.3}
    clf = Recording(**params, augment=witness).fit(corpus.data, corpus.target)
    given, labels, more, _ = Witness.seen[0]
    inputs, y, _, (watched, y_watched) = clf.given_
    assert len(given) + len(watched[0]) == 21
    assert len(inputs[0]) == len(y) == 3 * len(given) == len(more)
    assert len(y_watched) == len(watched[0])
    left_out = corpus.data[~corpus.data["clip_id"].isin(given["clip_id"])]
    assert not set(left_out[inner_groups]) & set(given[inner_groups])
    # The validation clips are those that were left out, without augmentation.
    np.testing.assert_array_equal(np.sort(watched[0].sum(axis=(1, 2, 3))), _sums(left_out))
    assert len(labels) == len(given)


def _sums(table):
    return np.sort(SMALL["image"].fit_transform(table).sum(axis=(1, 2, 3)))


def test_originals_come_first_and_copies_differ(corpus, witness):
    inputs, y, _, _ = Recording(**SMALL, augment=witness).fit(corpus.data, corpus.target).given_
    np.testing.assert_array_equal(inputs[0][:21], SMALL["image"].fit_transform(corpus.data))
    np.testing.assert_array_equal(y, np.tile(corpus.target, 3))
    assert all(np.any(inputs[0][21 + i] != inputs[0][i]) for i in range(21))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_copy_has_the_weight_of_its_source(corpus, witness, early_stopping):
    weights = np.arange(1.0, 22)
    params = {**SMALL, "early_stopping": early_stopping, "validation_fraction": 0.3}
    clf = Recording(**params, augment=witness).fit(corpus.data, corpus.target, sample_weight=weights)
    more, by_clip = Witness.seen[0][2], dict(zip(corpus.data["clip_id"], weights, strict=True))
    assert clf.given_[2].tolist() == [by_clip[name] for name in more["clip_id"]]


def test_index_and_extra_columns_do_not_matter_to_the_weights(corpus, witness):
    table = corpus.data.assign(take=1).set_index(np.array([7] * 21))
    clf = Recording(**SMALL, augment=witness).fit(table, corpus.target, sample_weight=np.arange(1.0, 22))
    assert clf.given_[2].tolist() == [*np.arange(1.0, 22)] * 3
    assert "take" in Witness.seen[0][2]


def test_the_augmenter_gets_the_seed_unless_it_has_one(corpus, witness):
    AudioCNNClassifier(**SMALL, augment=witness).fit(corpus.data, corpus.target)
    AudioCNNClassifier(**SMALL, augment=clone(witness).set_params(random_state=5)).fit(corpus.data, corpus.target)
    assert [seed for *_, seed in Witness.seen] == [0, 5]
    assert witness.random_state is None


def test_copies_are_reproducible(corpus):
    first, again = (
        AudioCNNClassifier(**SMALL, augment=AudioAugmenter(**QUICK)).fit(corpus.data, corpus.target) for _ in range(2)
    )
    np.testing.assert_array_equal(first.predict_proba(corpus.data), again.predict_proba(corpus.data))
    plain = AudioCNNClassifier(**SMALL).fit(corpus.data, corpus.target)
    assert np.any(first.predict_proba(corpus.data) != plain.predict_proba(corpus.data))


def test_prediction_does_not_augment(corpus):
    clf = AudioCNNClassifier(**SMALL, augment=AudioAugmenter(**QUICK)).fit(corpus.data, corpus.target)
    assert clf.predict_proba(corpus.data).shape == (21, 7)


def test_parameters_of_the_augmenter_can_be_searched():
    clf = FusionClassifier(augment=AudioAugmenter()).set_params(augment__n_copies=3)
    assert clf.get_params()["augment__n_copies"] == clone(clf).augment.n_copies == 3
    assert FusionClassifier().augment is None


def test_augmenter_must_resample(corpus):
    with pytest.raises(ValueError, match="'augment' parameter of AudioCNNClassifier"):
        AudioCNNClassifier(augment=MFCCImage()).fit(corpus.data, corpus.target)


def test_augmenter_that_drops_columns_is_refused(corpus):
    class Narrow(AudioAugmenter):
        def fit_resample(self, X, y):
            return X[["audio", "clip_id"]], y

    with pytest.raises(ValueError, match="Narrow drops columns of the clip table"):
        AudioCNNClassifier(**SMALL, augment=Narrow()).fit(corpus.data, corpus.target)


def test_default_parts_show_their_parameters_and_optional_parts_have_none():
    clf = AudioCNNClassifier()
    params = clf.get_params()
    assert (params["image__n_mfcc"], params["image__normalize"]) == (40, "training")
    assert not any(name.startswith(("second_image__", "features__")) for name in params)
    clf.set_params(image__n_mfcc=13)
    assert (clf.image.n_mfcc, clf.image.normalize) == (13, "training")
    assert AudioCNNClassifier().get_params()["image__n_mfcc"] == 40
    assert clone(clf).get_params()["image__n_mfcc"] == 13
    assert AudioCNNClassifier().set_params(features=AudioFeatures(), features__n_mfcc=20).features.n_mfcc == 20


def test_missing_part_has_no_parameters():
    with pytest.raises(ValueError, match="'features__n_mfcc' cannot be set: features is None"):
        AudioCNNClassifier().set_params(features__n_mfcc=20)


def test_cache_is_set_in_nested_extractors(corpus, tmp_path):
    clf = AudioCNNClassifier(
        **{**SMALL, "image": Wrapped(SMALL["image"])},
        features=make_pipeline(ProsodyFeatures(), FunctionTransformer()),
        cache=tmp_path,
    ).fit(corpus.data, corpus.target)
    assert clf.image_.extractor_.cache == clf.features_[0][0].cache == tmp_path
    assert clf.image_.speakers_ == ["S1", "S2", "S3"]
    assert len(list(tmp_path.iterdir())) == 42
    assert clf.image.extractor.cache == "memory"


def test_part_with_another_number_of_rows_is_refused(corpus):
    image = make_pipeline(SMALL["image"], FunctionTransformer(lambda X: X[1:]))
    with pytest.raises(ValueError, match="The image extractor returned 20 rows for 21 clips"):
        AudioCNNClassifier(**{**SMALL, "image": image}).fit(corpus.data, corpus.target)


def test_report_has_the_failures_of_every_part(corpus):
    table = corpus.data.copy()
    table.loc[table.index[3], "audio"] = None
    clf = AudioCNNClassifier(
        **{**SMALL, "image": SMALL["image"]}, features=make_pipeline(ProsodyFeatures(), FunctionTransformer())
    ).set_params(image__on_error="fill", features__prosodyfeatures__on_error="fill")
    with pytest.warns(UserWarning, match="1 of 21 clips"):
        clf.fit(table, corpus.target)
    name = corpus.data["clip_id"].iloc[3]
    assert clf.failed_clips_[["part", "clip_id"]].to_numpy().tolist() == [["features", name], ["image", name]]


TINY_IMAGE, TRAINED_IMAGE = MFCCImage(n_mfcc=13, n_frames=60), MFCCImage(n_mfcc=13, n_frames=60, normalize="training")
STOPPED = {"early_stopping": True, "inner_groups": "speaker", "validation_fraction": 0.3}
FACES = FaceFrameSampler(n_frames=2, size=(16, 16), detector="lbp")
NETWORKS = {
    "MFCC CNN": AudioCNNClassifier(**SMALL).set_params(image=TRAINED_IMAGE, **STOPPED),
    "dual CNN": AudioCNNClassifier(**SMALL, second_image=MelImage(n_mels=16, n_frames=50)),
    "CNN and features": AudioCNNClassifier(**SMALL, features=ProsodyFeatures()),
    "fusion": FusionClassifier(
        audio=TINY_IMAGE, video=FACES, n_filters=4, n_units=8, epochs=1, random_state=0, **STOPPED
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_in_files_give_the_same_probabilities(name, corpus, tmp_path, monkeypatch):
    expected = clone(NETWORKS[name]).fit(corpus.data, corpus.target).predict_proba(corpus.data)
    monkeypatch.setattr(_rows, "MEMORY_LIMIT", 0)
    monkeypatch.setattr(_rows, "BLOCK", 5)
    recording = RecordingFusion if name == "fusion" else Recording
    in_files = recording(**NETWORKS[name].get_params(deep=False)).set_params(cache=tmp_path)
    in_files.fit(corpus.data, corpus.target)
    images = [array for array in in_files.given_[0] if array.ndim > 2]
    assert {type(array) for array in images} == {RowFile}
    np.testing.assert_allclose(in_files.predict_proba(corpus.data), expected, rtol=0, atol=1e-12)
