"""FusionClassifier: the clip table in, with all that scikit-learn expects of a classifier."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, GroupKFold, GroupShuffleSplit, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import (
    AudioCNNClassifier,
    ClipError,
    ClipWarning,
    ConvLSTMClassifier,
    FaceFrameSampler,
    FusionClassifier,
    MFCCImage,
    ProsodyFeatures,
    explain,
    load_model,
    save_model,
)

SMALL = {
    "audio": MFCCImage(n_frames=60),
    "video": FaceFrameSampler(n_frames=3, size=(32, 32), detector="lbp"),
    "n_filters": 4,
    "n_units": 8,
    "epochs": 2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def fitted(corpus):
    return FusionClassifier(**SMALL).fit(corpus.data, corpus.target)


def test_probabilities_are_a_distribution_over_the_emotions(fitted, corpus):
    p = fitted.predict_proba(corpus.data)
    assert p.shape == (21, 7)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert fitted.classes_.tolist() == corpus.target_names
    assert set(fitted.predict(corpus.data)) <= set(corpus.target_names)


def test_training_clips_are_learnt(corpus):
    clf = FusionClassifier(
        **{**SMALL, "n_filters": 8, "n_units": 16, "epochs": 40, "dropout": 0, "batch_size": 7, "learning_rate": 3e-3}
    )
    assert clf.fit(corpus.data, corpus.target).score(corpus.data, corpus.target) > 0.9


def test_same_seed_same_probabilities(fitted, corpus):
    again = FusionClassifier(**SMALL).fit(corpus.data, corpus.target)
    np.testing.assert_array_equal(again.predict_proba(corpus.data), fitted.predict_proba(corpus.data))


def test_both_modalities_count(fitted, corpus):
    p = fitted.predict_proba(corpus.data.iloc[:1])
    for column in ("audio", "video"):
        other = corpus.data.iloc[:1].assign(**{column: corpus.data[column].iloc[4]})
        assert not np.allclose(fitted.predict_proba(other), p)


def test_pickle_keeps_extractors_and_network(fitted, corpus):
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.video_.detector_ == "lbp"
    np.testing.assert_array_equal(copy.predict_proba(corpus.data), fitted.predict_proba(corpus.data))


def test_default_extractors_show_their_parameters_and_are_nobodys():
    first, second = FusionClassifier(), FusionClassifier()
    assert first.get_params()["audio__n_mfcc"] == 40
    assert first.get_params()["video__size"] == (64, 64)
    assert first.get_params(deep=False)["audio"] is None
    first.set_params(audio__n_mfcc=13)
    assert first.audio.n_mfcc == 13
    assert second.get_params()["audio__n_mfcc"] == 40
    assert clone(first).get_params()["audio__n_mfcc"] == 13
    assert FusionClassifier().set_params(**second.get_params()).get_params()["audio__n_mfcc"] == 40


def test_explicit_extractor_and_its_parameter_in_one_call():
    clf = FusionClassifier().set_params(audio=MFCCImage(n_frames=60), audio__n_mfcc=20)
    assert (clf.audio.n_frames, clf.audio.n_mfcc) == (60, 20)
    with pytest.raises(ValueError, match="Invalid parameter 'n_coefficients'"):
        FusionClassifier().set_params(audio__n_coefficients=3)


def test_fit_leaves_the_passed_extractors_alone(corpus):
    audio = MFCCImage(n_frames=60)
    clf = FusionClassifier(**{**SMALL, "audio": audio}).fit(corpus.data, corpus.target)
    assert clf.audio is audio
    assert not hasattr(audio, "_failures")
    assert clf.audio_ is not audio


def test_cache_is_handed_to_both_extractors(corpus, tmp_path):
    clf = FusionClassifier(**SMALL, cache=tmp_path / "cache").fit(corpus.data.iloc[:7], corpus.target[:7])
    assert clf.audio_.cache == clf.video_.cache == tmp_path / "cache"
    assert len(list((tmp_path / "cache").iterdir())) == 14


def test_cross_validation_by_speaker_and_by_clip(corpus):
    clf = FusionClassifier(**SMALL)
    by_speaker = cross_val_score(
        clf, corpus.data, corpus.target, groups=corpus.groups, cv=GroupKFold(2), error_score="raise"
    )
    by_clip = cross_val_score(
        clf,
        corpus.data,
        corpus.target,
        groups=corpus.data["clip_id"],
        cv=StratifiedGroupKFold(2),
        error_score="raise",
    )
    assert by_speaker.shape == by_clip.shape == (2,)
    assert np.isfinite([*by_speaker, *by_clip]).all()


def test_grid_search_over_a_default_extractor(corpus):
    clf = FusionClassifier(**{**SMALL, "audio": None})
    cv = GroupShuffleSplit(1, random_state=0)
    search = GridSearchCV(clf, {"audio__n_mfcc": [13, 20]}, cv=cv, error_score="raise")
    search.fit(corpus.data, corpus.target, groups=corpus.groups)
    assert search.best_estimator_.audio_.n_mfcc == search.best_params_["audio__n_mfcc"]


@pytest.mark.parametrize("inner_groups", ["clip_id", "speaker"])
def test_early_stopping_splits_off_clips_of_its_own(corpus, inner_groups):
    params = {**SMALL, "epochs": 3, "early_stopping": True, "inner_groups": inner_groups, "validation_fraction": 0.3}
    clf = FusionClassifier(**params).fit(corpus.data, corpus.target, sample_weight=np.ones(21))
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_early_stopping_needs_its_column(corpus):
    clf = FusionClassifier(**SMALL, early_stopping=True, inner_groups="session")
    with pytest.raises(ValueError, match="The inner groups 'session' are not a column"):
        clf.fit(corpus.data, corpus.target)


def test_broken_clip_stops_cross_validation_by_name(corpus, tmp_path):
    table = corpus.data.copy()
    path = tmp_path / "cut.wav"
    path.write_bytes(b"RIFF")
    table.loc[table.index[10], "audio"] = str(path)
    with pytest.raises(ClipError, match=corpus.data["clip_id"].iloc[10]):
        cross_val_score(
            FusionClassifier(**SMALL), table, corpus.target, groups=corpus.groups, cv=GroupKFold(3), error_score="raise"
        )


def test_broken_clip_is_filled_on_request(corpus):
    table = corpus.data.copy()
    table.loc[table.index[10], "video"] = None
    clf = FusionClassifier(**SMALL).set_params(video__on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 21 clips"):
        clf.fit(table, corpus.target)
    failed = clf.failed_clips_[["modality", "clip_id"]].to_numpy().tolist()
    assert failed == [["video", corpus.data["clip_id"].iloc[10]]]
    with pytest.warns(ClipWarning):
        assert np.isfinite(clf.predict_proba(table)).all()


def test_one_modality_is_predicted_without_the_other(fitted, corpus):
    # The same as clips of which every picture is black, or every coefficient 0.
    frames, image = fitted.video_.transform(corpus.data), fitted.audio_.transform(corpus.data)
    for column, inputs in (("video", (0 * frames, image)), ("audio", (frames, 0 * image))):
        p = fitted.predict_proba(corpus.data.drop(columns=column))
        np.testing.assert_array_equal(p, fitted._predict_arrays(corpus.data, inputs))
        assert not np.allclose(p, fitted.predict_proba(corpus.data))
    with pytest.raises(ValueError, match=r"without \['audio', 'video'\]"):
        fitted.predict(corpus.data.drop(columns=["audio", "video"]))


def test_filled_clip_is_predicted_by_what_it_has(corpus):
    clf = FusionClassifier(**SMALL).set_params(video__on_error="fill").fit(corpus.data, corpus.target)
    with pytest.warns(ClipWarning, match="1 of 21 clips"):
        p = clf.predict_proba(corpus.data.assign(video=[None, *corpus.data["video"].iloc[1:]]))
    np.testing.assert_allclose(p[0], clf.predict_proba(corpus.data.drop(columns="video"))[0], atol=1e-6)
    np.testing.assert_allclose(p[1:], clf.predict_proba(corpus.data)[1:], atol=1e-6)


def test_branches_tell_what_is_told_without_the_other(fitted, corpus):
    table = corpus.data.set_index(pd.Index(range(100, 121)))
    said = fitted.branch_proba(table)
    assert said.index.equals(table.index)
    assert list(said.columns.unique(level=0)) == ["audio", "combined", "video"]
    np.testing.assert_allclose(said["combined"], fitted.predict_proba(table))
    for name, other in (("video", "audio"), ("audio", "video")):
        np.testing.assert_allclose(said[name], fitted.predict_proba(table.drop(columns=other)), atol=1e-6)
    blind = fitted.branch_proba(table.drop(columns="video"))
    assert blind["video"].isna().all(axis=None)
    np.testing.assert_allclose(blind["combined"], blind["audio"])


def test_a_clip_with_neither_is_an_error(corpus):
    clf = FusionClassifier(**SMALL).set_params(video__on_error="fill", audio__on_error="fill")
    clf.fit(corpus.data, corpus.target)
    table = corpus.data.copy()
    table.loc[table.index[2], ["audio", "video"]] = None
    name = table["clip_id"].iloc[2]
    with pytest.warns(ClipWarning), pytest.raises(ClipError, match=f"{name}.*neither its face nor its voice"):
        clf.predict(table)


def test_groups_held_out_tell_what_a_branch_is_worth(corpus, tmp_path):
    # Every clip has the same sound, which tells nothing.
    table, y = corpus.data.assign(audio=corpus.data["audio"].iloc[0], person=corpus.data["speaker"]), corpus.target
    params = {**SMALL, "n_filters": 8, "epochs": 20, "batch_size": 7, "learning_rate": 3e-3}
    clf = FusionClassifier(**params, calibration_groups="person").fit(table, y)
    plain = FusionClassifier(**params).fit(table, y)
    assert plain.branch_weights_ == {"video": 1, "audio": 1}
    assert clf.branch_weights_["video"] > clf.branch_weights_["audio"]
    # The network is the same, trained on all.
    for one, other in zip(clf.model_.get_weights(), plain.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # One modality alone keeps the order of its classes, whatever its weight.
    strangers = table.drop(columns="person")
    for column in ("audio", "video"):
        alone, asked = (model.predict_proba(strangers.drop(columns=column)) for model in (plain, clf))
        np.testing.assert_array_equal(alone.argmax(axis=1), asked.argmax(axis=1))
    # Whom it has met it tells as the network does.
    mixed = table.assign(person=table["person"].where(np.arange(len(table)) % 2 == 0, "somebody else"))
    told = [model.predict_proba(rows) for model, rows in ((plain, table), (clf, strangers), (clf, mixed))]
    assert not np.isclose(told[0], told[1]).all(axis=1).any()
    np.testing.assert_array_equal(told[2][::2], told[0][::2])
    np.testing.assert_array_equal(told[2][1::2], told[1][1::2])
    np.testing.assert_array_equal(clf.branch_proba(mixed)["combined"], told[2])
    # "What was fitted decides", and a name is a name, as text or as a category; nobody is a stranger.
    clf.set_params(calibration_groups=None)
    np.testing.assert_array_equal(clf.predict_proba(table.astype({"person": "category"})), told[0])
    np.testing.assert_array_equal(clf.predict_proba(table.assign(person=None)), told[1])
    again = load_model(save_model(clf, tmp_path / "fusion.savee"))
    np.testing.assert_allclose(again.predict_proba(mixed), told[2], atol=1e-6)
    row = mixed.iloc[[0]]
    assert explain(clf, row).probability[""] == pytest.approx(clf.predict_proba(row).max(), abs=1e-6)
    # Three folds of one person's clips tell of that person.
    one = clone(clf).set_params(calibration_groups="speaker", epochs=1)
    one.fit(table.assign(speaker="S1"), y)
    np.testing.assert_array_equal(*(one.predict_proba(table.assign(speaker=name)) for name in ("S1", "S9")))


def test_a_person_who_is_only_watched_is_not_met(corpus):
    table = corpus.data.assign(person=corpus.data["speaker"])
    params = {**SMALL, "early_stopping": True, "inner_groups": "person", "calibration_groups": "person"}
    clf = FusionClassifier(**params).fit(table, corpus.target)
    as_a_stranger = np.isclose(clf.predict_proba(table), clf.predict_proba(corpus.data)).all(axis=1)
    assert table.loc[as_a_stranger, "person"].nunique() == 1
    assert table.loc[~as_a_stranger, "person"].nunique() == table["person"].nunique() - 1


def test_calibration_that_cannot_be_is_refused(corpus):
    clf = FusionClassifier(**{**SMALL, "epochs": 1}, calibration_groups="emotion")
    with pytest.raises(ValueError, match="are in one of the folds by 'emotion'; choose other calibration_groups"):
        clf.fit(corpus.data.assign(emotion=corpus.target), corpus.target)
    with pytest.raises(ValueError, match="'session' are not a column"):
        clf.set_params(calibration_groups="session").fit(corpus.data, corpus.target)


def test_features_join_the_voice(corpus):
    clf = FusionClassifier(**SMALL, features=ProsodyFeatures()).fit(corpus.data, corpus.target)
    assert [tensor.name for tensor in clf.model_.inputs] == ["frames", "mfcc", "features"]
    np.testing.assert_allclose(clf.features_.transform(corpus.data).mean(axis=0), 0, atol=1e-6)
    # Without a sound they are left out with it.
    p = clf.predict_proba(corpus.data.drop(columns="audio"))
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_prediction_is_the_mean_over_a_clip_and_its_mirror_image(fitted, corpus):
    frames, image = fitted.video_.transform(corpus.data), fitted.audio_.transform(corpus.data)
    table, mirrored = corpus.data, (frames[..., ::-1, :], image)
    np.testing.assert_allclose(
        fitted._predict_arrays(table, mirrored), fitted._predict_arrays(table, (frames, image)), atol=1e-6
    )
    plain = FusionClassifier(**SMALL, augment_frames=False).fit(corpus.data, corpus.target)
    assert not np.allclose(plain._predict_arrays(table, mirrored), plain.predict_proba(table))


def test_training_starts_from_networks_of_one_modality(corpus):
    frames, image = (SMALL[part].fit_transform(corpus.data) for part in ("video", "audio"))
    face = ConvLSTMClassifier(n_filters=4, epochs=1, random_state=1).fit(frames, corpus.target)
    voice = AudioCNNClassifier(image=SMALL["audio"], n_filters=4, n_units=8, epochs=1).fit(corpus.data, corpus.target)
    start = {"pretrained": [FrozenEstimator(face), FrozenEstimator(voice)], "learning_rate": 1e-12, "epochs": 1}
    clf = clone(FusionClassifier(**{**SMALL, **start})).fit(corpus.data, corpus.target)
    for branch, alone in (("video_branch", face), ("audio_branch", voice)):
        own = clf.model_.get_layer(branch).trainable_weights
        for weight, given in zip(own, alone.model_.trainable_weights[: len(own)], strict=True):
            np.testing.assert_allclose(weight, given, atol=1e-6)
    assert image.shape[1:] == clf.model_.inputs[1].shape[1:]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: ConvLSTMClassifier(), "pretrained must be a list of fitted networks"),
        (lambda: FrozenEstimator(ConvLSTMClassifier()), "pretrained must be a list of fitted networks"),
        (
            lambda: FrozenEstimator(
                ConvLSTMClassifier(n_filters=3, epochs=1).fit(
                    np.random.default_rng(0).random((4, 3, 32, 32, 3)), [*"abab"]
                )
            ),
            "ConvLSTMClassifier in pretrained does not fit: its layers have weights of shapes",
        ),
    ],
    ids=["bare", "not fitted", "other filters"],
)
def test_pretrained_networks_that_do_not_fit_are_refused(corpus, network, message):
    with pytest.raises(ValueError, match=message):
        FusionClassifier(**SMALL, pretrained=[network()]).fit(corpus.data, corpus.target)


@pytest.mark.parametrize(
    ("X", "came"),
    [
        (lambda table: table.drop(columns="video"), r"without \['video'\]"),
        (lambda table: table["audio"].tolist(), "got list"),
        (lambda table: {"audio": table["audio"], "video": table["video"]}, "got dict"),
    ],
)
def test_what_is_no_table_of_both_is_refused(corpus, X, came):
    with pytest.raises(ValueError, match=came):
        FusionClassifier(**SMALL).fit(X(corpus.data), corpus.target)


def test_lengths_are_checked(corpus):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FusionClassifier(**SMALL).fit(corpus.data, corpus.target[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FusionClassifier(**SMALL).fit(corpus.data, corpus.target, sample_weight=np.ones(3))


def test_report_covers_the_inner_validation_clips(corpus):
    table = corpus.data.copy()
    table.loc[table["speaker"] == "S2", "video"] = None
    params = {**SMALL, "early_stopping": True, "inner_groups": "speaker", "validation_fraction": 0.3}
    clf = FusionClassifier(**params).set_params(video__on_error="fill")
    with pytest.warns(ClipWarning):
        clf.fit(table, corpus.target)
    assert sorted(clf.failed_clips_["clip_id"]) == sorted(table["clip_id"][table["speaker"] == "S2"])


def test_extractors_of_another_kind_are_refused(corpus):
    with pytest.raises(ValueError, match="The audio extractor must give 4-D arrays, as MFCCImage does"):
        FusionClassifier(**{**SMALL, "audio": ProsodyFeatures()}).fit(corpus.data, corpus.target)


def test_an_extractor_may_be_a_pipeline(corpus):
    audio = make_pipeline(MFCCImage(n_frames=60), FunctionTransformer(np.negative))
    clf = FusionClassifier(**{**SMALL, "audio": audio}).fit(corpus.data, corpus.target)
    assert clf.predict_proba(corpus.data).shape == (21, 7)


def test_one_class_only_is_refused(corpus):
    anger = corpus.target == "anger"
    with pytest.raises(ValueError, match="got 3 clips of the one class"):
        FusionClassifier(**SMALL).fit(corpus.data[anger], corpus.target[anger])


def test_fewer_groups_than_folds_is_scikit_learns_error(corpus):
    with pytest.raises(ValueError, match="number of groups: 3"):
        cross_val_score(FusionClassifier(**SMALL), corpus.data, corpus.target, groups=corpus.groups, cv=GroupKFold(4))


def test_prediction_needs_a_fit(corpus):
    with pytest.raises(NotFittedError):
        FusionClassifier().predict(corpus.data)


def test_index_of_the_table_does_not_matter(fitted, corpus):
    shuffled = corpus.data.set_index(pd.Index(range(100, 79, -1)))
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(corpus.data))
