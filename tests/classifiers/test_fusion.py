"""FusionClassifier is a scikit-learn classifier over the clip table."""

import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
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
    _rows,
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
# One step.
QUICK = {**SMALL, "epochs": 1, "batch_size": 21}
LEARNING = {"n_filters": 8, "n_units": 16, "epochs": 40, "dropout": 0, "batch_size": 7, "learning_rate": 3e-3}
CALIBRATED = {**SMALL, "n_filters": 8, "epochs": 20, "batch_size": 7, "learning_rate": 3e-3}

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def fitted(corpus):
    return FusionClassifier(**SMALL).fit(corpus.data, corpus.target)


def test_probabilities_are_a_distribution_over_the_emotions(fitted, corpus):
    p = fitted.predict_proba(corpus.data)
    assert p.shape == (21, 7)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert fitted.classes_.tolist() == corpus.target_names
    assert set(fitted.predict(corpus.data)) <= set(corpus.target_names)


def test_training_clips_are_learnt(corpus, graph_mode):
    with graph_mode():
        clf = FusionClassifier(**{**SMALL, **LEARNING}).fit(corpus.data, corpus.target)
        assert clf.score(corpus.data, corpus.target) > 0.9


def test_same_seed_gives_the_same_probabilities(fitted, corpus):
    again = FusionClassifier(**SMALL).fit(corpus.data, corpus.target)
    np.testing.assert_array_equal(again.predict_proba(corpus.data), fitted.predict_proba(corpus.data))


def test_both_modalities_matter(fitted, corpus):
    p = fitted.predict_proba(corpus.data.iloc[:1])
    for column in ("audio", "video"):
        other = corpus.data.iloc[:1].assign(**{column: corpus.data[column].iloc[4]})
        assert not np.allclose(fitted.predict_proba(other), p)


def test_missing_clips_are_the_same_in_files(fitted, corpus, monkeypatch):
    table = corpus.data.copy()
    table.loc[table.index[3], "video"] = table.loc[table.index[5], "audio"] = None
    expected = fitted.predict_proba(table)
    assert len(fitted.failed_clips_) == 2
    monkeypatch.setattr(_rows, "MEMORY_LIMIT", 0)
    np.testing.assert_array_equal(fitted.predict_proba(table), expected)


def test_frames_are_kept_in_one_channel(fitted, corpus):
    frames = fitted._extract(corpus.data)[0][0]
    assert frames.shape == (21, 3, 32, 32, 1)
    np.testing.assert_allclose(frames[..., 0], fitted.video_.transform(corpus.data).mean(axis=-1), atol=1e-7)


def test_pickle_keeps_extractors_and_network(fitted, corpus):
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.video_.detector_ == "lbp"
    np.testing.assert_array_equal(copy.predict_proba(corpus.data), fitted.predict_proba(corpus.data))


def test_default_extractors_show_their_parameters():
    clf = FusionClassifier()
    assert clf.get_params()["audio__n_mfcc"] == 40
    assert clf.get_params()["video__size"] == (64, 64)
    assert clf.get_params(deep=False)["audio"] is None


def test_instances_do_not_share_default_extractors():
    first, second = FusionClassifier(), FusionClassifier()
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


def test_fit_does_not_change_the_passed_extractors(corpus):
    audio = MFCCImage(n_frames=60)
    clf = FusionClassifier(**{**QUICK, "audio": audio}).fit(corpus.data, corpus.target)
    assert clf.audio is audio
    assert not hasattr(audio, "_failures")
    assert clf.audio_ is not audio


def test_cache_is_set_in_both_extractors(corpus, tmp_path):
    clf = FusionClassifier(**QUICK, cache=tmp_path / "cache").fit(corpus.data.iloc[:7], corpus.target[:7])
    assert clf.audio_.cache == clf.video_.cache == tmp_path / "cache"
    assert len(list((tmp_path / "cache").iterdir())) == 14


@pytest.mark.slow
def test_cross_validation_by_speaker_and_by_clip(corpus):
    clf = FusionClassifier(**QUICK)
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


@pytest.mark.slow
def test_grid_search_over_a_default_extractor(corpus):
    clf = FusionClassifier(**{**QUICK, "audio": None})
    cv = GroupShuffleSplit(1, random_state=0)
    search = GridSearchCV(clf, {"audio__n_mfcc": [13, 20]}, cv=cv, error_score="raise")
    search.fit(corpus.data, corpus.target, groups=corpus.groups)
    assert search.best_estimator_.audio_.n_mfcc == search.best_params_["audio__n_mfcc"]


@pytest.mark.slow
@pytest.mark.parametrize("inner_groups", ["clip_id", "speaker"])
def test_early_stopping_splits_off_validation_clips(corpus, inner_groups):
    params = {**QUICK, "epochs": 3, "early_stopping": True, "inner_groups": inner_groups, "validation_fraction": 0.3}
    clf = FusionClassifier(**params).fit(corpus.data, corpus.target, sample_weight=np.ones(21))
    assert len(clf.history_["val_loss"]) == clf.n_epochs_


def test_early_stopping_needs_its_column(corpus):
    clf = FusionClassifier(**SMALL, early_stopping=True, inner_groups="session")
    with pytest.raises(ValueError, match="The inner groups 'session' are not a column"):
        clf.fit(corpus.data, corpus.target)


def test_broken_clip_stops_cross_validation_with_its_name(corpus, tmp_path):
    table = corpus.data.copy()
    path = tmp_path / "cut.wav"
    path.write_bytes(b"RIFF")
    table.loc[table.index[10], "audio"] = str(path)
    with pytest.raises(ClipError, match=corpus.data["clip_id"].iloc[10]):
        cross_val_score(
            FusionClassifier(**QUICK), table, corpus.target, groups=corpus.groups, cv=GroupKFold(3), error_score="raise"
        )


@pytest.fixture
def one_broken_video(corpus, tmp_path):
    """The corpus with a file that is not a video for the clip 10."""
    (tmp_path / "cut.avi").write_bytes(b"RIFF")
    return corpus.data.assign(video=corpus.data["video"].where(np.arange(21) != 10, str(tmp_path / "cut.avi")))


def test_broken_clip_is_filled_if_set(one_broken_video, corpus):
    clf = FusionClassifier(**QUICK).set_params(video__on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 21 clips"):
        clf.fit(one_broken_video, corpus.target)
    failed = clf.failed_clips_[["modality", "clip_id"]].to_numpy().tolist()
    assert failed == [["video", corpus.data["clip_id"].iloc[10]]]
    with pytest.warns(ClipWarning):
        assert np.isfinite(clf.predict_proba(one_broken_video)).all()


def without(table, column, *models):
    """Predictions of a table without a column, of which each model warns."""
    p = []
    for model in models:
        with pytest.warns(
            ClipWarning, match=f"21 of 21 clips are missing for branch '{column}': .*no column '{column}'"
        ):
            p.append(model.predict_proba(table.drop(columns=column)))
    return p


def test_table_without_a_column_is_predicted_by_the_other_modality(fitted, corpus):
    # As clips with black frames only, or with coefficients of 0 only.
    frames, image = fitted.video_.transform(corpus.data), fitted.audio_.transform(corpus.data)
    for column, inputs in (("video", (0 * frames, image)), ("audio", (frames, 0 * image))):
        (p,) = without(corpus.data, column, fitted)
        np.testing.assert_array_equal(p, fitted._predict_arrays(corpus.data, inputs))
        assert not np.allclose(p, fitted.predict_proba(corpus.data))
    with pytest.raises(ValueError, match=r"without \['audio', 'video'\]"):
        fitted.predict(corpus.data.drop(columns=["audio", "video"]))


@pytest.mark.parametrize("column", ["audio", "video"])
def test_column_without_values_is_warned_of(fitted, corpus, column):
    (p,) = without(corpus.data, column, fitted)
    with pytest.warns(ClipWarning, match=f"for branch '{column}': .*no value in the column '{column}'"):
        np.testing.assert_array_equal(fitted.predict_proba(corpus.data.assign(**{column: None})), p)
    assert len(fitted.failed_clips_) == 21


def test_clip_without_a_value_is_predicted_by_the_other_modality(fitted, corpus):
    # The table shows it, so there is no warning.
    p = fitted.predict_proba(corpus.data.assign(video=[None, *corpus.data["video"].iloc[1:]]))
    assert fitted.failed_clips_[["modality", "clip_id"]].to_numpy().tolist() == [
        ["video", corpus.data["clip_id"].iloc[0]]
    ]
    np.testing.assert_allclose(p[:1], without(corpus.data, "video", fitted)[0][:1], atol=1e-6)
    np.testing.assert_allclose(p[1:], fitted.predict_proba(corpus.data)[1:], atol=1e-6)


def test_clips_without_a_value_are_fitted_by_the_other_modality(corpus):
    table = corpus.data.assign(audio=corpus.data["audio"].where(corpus.data["speaker"] != "S1"))
    clf = FusionClassifier(**QUICK, features=ProsodyFeatures()).fit(table, corpus.target)
    assert sorted(set(clf.failed_clips_["modality"])) == ["audio", "features"]
    assert np.isfinite(clf.predict_proba(table)).all()


def test_filled_clip_is_predicted_by_the_other_modality(fitted, one_broken_video, corpus):
    clf = pickle.loads(pickle.dumps(fitted))
    clf.video_.set_params(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 21 clips"):
        p = clf.predict_proba(one_broken_video)
    np.testing.assert_allclose(p[10], without(corpus.data, "video", clf)[0][10], atol=1e-6)
    np.testing.assert_allclose(p[:10], clf.predict_proba(corpus.data)[:10], atol=1e-6)


@pytest.fixture
def muted(corpus, tmp_path):
    """The corpus with digital silence for the first clip."""
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    return corpus.data.assign(audio=[str(tmp_path / "silence.wav"), *corpus.data["audio"].iloc[1:]])


def test_silent_clip_is_predicted_by_the_face_and_reported(fitted, muted, corpus):
    with pytest.warns(ClipWarning, match=r"1 of 21 clips are missing for branch 'audio'.*silence\.wav"):
        p = fitted.predict_proba(muted)
    assert fitted.failed_clips_[["modality", "clip_id"]].to_numpy().tolist() == [
        ["audio", corpus.data["clip_id"].iloc[0]]
    ]
    np.testing.assert_allclose(p[:1], without(corpus.data, "audio", fitted)[0][:1], atol=1e-6)
    np.testing.assert_allclose(p[1:], fitted.predict_proba(corpus.data)[1:], atol=1e-6)


def test_silent_clip_without_a_face_is_an_error(fitted, muted, corpus):
    table = muted.assign(video=[None, *corpus.data["video"].iloc[1:]])
    with pytest.raises(ClipError, match=f"{corpus.data['clip_id'].iloc[0]}.*neither its face nor its voice.*silent"):
        fitted.predict(table)


def test_own_column_of_the_features_is_warned_of(corpus):
    table = corpus.data.assign(age=np.arange(21.0), height=1.8)
    own = ColumnTransformer([("own", "passthrough", ["age", "height"])])
    clf = FusionClassifier(**QUICK, features=own).fit(table, corpus.target)
    with pytest.warns(
        ClipWarning, match="21 of 21 clips are missing for branch 'features': the table has no column 'age'"
    ):
        p = clf.predict_proba(table.drop(columns="age"))
    assert np.isfinite(p).all()


def test_branch_proba_has_the_index_of_the_table_and_three_predictions(fitted, corpus):
    table = corpus.data.set_index(pd.Index(range(100, 121)))
    p = fitted.branch_proba(table)
    assert p.index.equals(table.index)
    assert list(p.columns.unique(level=0)) == ["audio", "combined", "video"]
    np.testing.assert_allclose(p["combined"], fitted.predict_proba(table))


@pytest.mark.parametrize(("branch", "other"), [("video", "audio"), ("audio", "video")])
def test_branch_proba_is_the_prediction_without_the_other_modality(fitted, corpus, branch, other):
    p = fitted.branch_proba(corpus.data)
    np.testing.assert_allclose(p[branch], without(corpus.data, other, fitted)[0], atol=1e-6)


def test_branch_proba_of_a_missing_modality_is_nan(fitted, corpus):
    with pytest.warns(ClipWarning, match="for branch 'video'"):
        p = fitted.branch_proba(corpus.data.drop(columns="video"))
    assert p["video"].isna().all(axis=None)
    np.testing.assert_allclose(p["combined"], p["audio"])


def test_clip_without_both_modalities_is_an_error(fitted, corpus):
    table = corpus.data.copy()
    table.loc[table.index[2], ["audio", "video"]] = None
    name = table["clip_id"].iloc[2]
    with pytest.raises(ClipError, match=f"{name}.*neither its face nor its voice.*no value in the column 'audio'"):
        fitted.predict(table)
    with pytest.raises(ClipError, match=f"{name}.*neither its face nor its voice"):
        FusionClassifier(**QUICK).fit(table, corpus.target)


@pytest.fixture(scope="module")
def uninformative_voices(corpus):
    """The corpus with one and the same sound for all clips, and the speakers in the column ``person``."""
    return corpus.data.assign(audio=corpus.data["audio"].iloc[0], person=corpus.data["speaker"]), corpus.target


@pytest.fixture(scope="module")
def plain(uninformative_voices, graph_mode):
    with graph_mode():
        return FusionClassifier(**CALIBRATED).fit(*uninformative_voices)


@pytest.fixture(scope="module")
def calibrated(uninformative_voices, graph_mode):
    with graph_mode():
        return FusionClassifier(**CALIBRATED, calibration_groups="person").fit(*uninformative_voices)


def test_branch_with_information_gets_the_larger_weight(plain, calibrated):
    assert plain.branch_weights_ == {"video": 1, "audio": 1}
    assert calibrated.branch_weights_["video"] > calibrated.branch_weights_["audio"]


def test_calibration_does_not_change_the_network(plain, calibrated):
    for one, other in zip(calibrated.model_.get_weights(), plain.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("column", ["audio", "video"])
def test_one_modality_keeps_the_order_of_its_classes(plain, calibrated, uninformative_voices, column):
    p, p_calibrated = without(uninformative_voices[0].drop(columns="person"), column, plain, calibrated)
    np.testing.assert_array_equal(p.argmax(axis=1), p_calibrated.argmax(axis=1))


@pytest.fixture(scope="module")
def by_seen_and_unseen(plain, calibrated, uninformative_voices):
    """A table in which every second clip is of an unseen person, and predictions as of seen and unseen persons."""
    table, _ = uninformative_voices
    mixed = table.assign(person=table["person"].where(np.arange(len(table)) % 2 == 0, "unseen"))
    return mixed, plain.predict_proba(table), calibrated.predict_proba(table.drop(columns="person"))


def test_weights_change_every_prediction(by_seen_and_unseen):
    _, seen, unseen = by_seen_and_unseen
    assert not np.isclose(seen, unseen).all(axis=1).any()


def test_seen_groups_are_predicted_by_the_plain_sum(calibrated, by_seen_and_unseen):
    mixed, seen, unseen = by_seen_and_unseen
    p = calibrated.predict_proba(mixed)
    np.testing.assert_array_equal(p[::2], seen[::2])
    np.testing.assert_array_equal(p[1::2], unseen[1::2])
    np.testing.assert_array_equal(calibrated.branch_proba(mixed)["combined"], p)


def test_groups_are_those_of_the_fit_and_compared_as_text(calibrated, by_seen_and_unseen, uninformative_voices):
    table, (_, seen, unseen) = uninformative_voices[0], by_seen_and_unseen
    copy = pickle.loads(pickle.dumps(calibrated)).set_params(calibration_groups=None)
    np.testing.assert_array_equal(copy.predict_proba(table.astype({"person": "category"})), seen)
    np.testing.assert_array_equal(copy.predict_proba(table.assign(person=None)), unseen)


def test_model_file_keeps_the_weights_and_the_seen_groups(calibrated, by_seen_and_unseen, tmp_path):
    mixed = by_seen_and_unseen[0]
    again = load_model(save_model(calibrated, tmp_path / "fusion.savee"))
    # A loaded network runs in onnxruntime, and the weights of the branches multiply its rounding errors.
    np.testing.assert_allclose(again.predict_proba(mixed), calibrated.predict_proba(mixed), rtol=0, atol=1e-5)


def test_explanation_has_the_calibrated_probability(calibrated, by_seen_and_unseen):
    row = by_seen_and_unseen[0].iloc[[0]]
    probability = explain(calibrated, row).probability[""]
    assert probability == pytest.approx(calibrated.predict_proba(row).max(), abs=1e-6)


@pytest.mark.slow
def test_weights_apply_to_all_clips_if_the_folds_split_a_speaker(corpus):
    clf = FusionClassifier(**QUICK, calibration_groups="speaker")
    clf.fit(corpus.data.assign(speaker="S1"), corpus.target)
    np.testing.assert_array_equal(*(clf.predict_proba(corpus.data.assign(speaker=name)) for name in ("S1", "S9")))


@pytest.mark.slow
def test_person_of_the_validation_clips_is_unseen(corpus):
    table = corpus.data.assign(person=corpus.data["speaker"])
    params = {**QUICK, "early_stopping": True, "inner_groups": "person", "calibration_groups": "person"}
    clf = FusionClassifier(**params).fit(table, corpus.target)
    as_unseen = np.isclose(clf.predict_proba(table), clf.predict_proba(corpus.data)).all(axis=1)
    assert table.loc[as_unseen, "person"].nunique() == 1
    assert table.loc[~as_unseen, "person"].nunique() == table["person"].nunique() - 1


def test_calibration_groups_that_hold_out_a_class_are_refused(corpus):
    clf = FusionClassifier(**QUICK, calibration_groups="emotion")
    with pytest.raises(ValueError, match="are in one of the folds by 'emotion'; choose other calibration_groups"):
        clf.fit(corpus.data.assign(emotion=corpus.target), corpus.target)


def test_calibration_groups_must_be_a_column(corpus):
    with pytest.raises(ValueError, match="'session' are not a column"):
        FusionClassifier(**QUICK, calibration_groups="session").fit(corpus.data, corpus.target)


def test_features_are_a_standardised_third_input(corpus):
    clf = FusionClassifier(**QUICK, features=ProsodyFeatures()).fit(corpus.data, corpus.target)
    assert [tensor.name for tensor in clf.model_.inputs] == ["frames", "mfcc", "features"]
    np.testing.assert_allclose(clf.features_.transform(corpus.data).mean(axis=0), 0, atol=1e-6)
    # The features of a missing voice do not matter.
    (p,) = without(corpus.data, "audio", clf)
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("change", [{}, {"augment_frames": False}, {"flip": False}])
def test_prediction_is_the_mean_over_a_clip_and_its_mirror_image_if_training_flipped(change, fitted, corpus):
    frames, image = fitted.video_.transform(corpus.data), fitted.audio_.transform(corpus.data)
    table, mirrored = corpus.data, (frames[..., ::-1, :], image)
    clf = FusionClassifier(**SMALL, **change).fit(corpus.data, corpus.target) if change else fitted
    p, p_mirrored = (clf._predict_arrays(table, inputs) for inputs in ((frames, image), mirrored))
    if change:
        assert not np.allclose(p, p_mirrored)
    else:
        np.testing.assert_allclose(p, p_mirrored, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["flip", "shift", "rotation", "zoom", "brightness", "occlusion"])
def test_each_kind_of_frame_augmentation_can_be_set(change, corpus, loss_of_the_first_step):
    without = FusionClassifier(**QUICK, dropout=0, **{change: 0 if change != "flip" else False})
    assert not np.allclose(loss_of_the_first_step, without.fit(corpus.data, corpus.target).history_["loss"], rtol=1e-6)


@pytest.fixture(scope="module")
def loss_of_the_first_step(corpus):
    return FusionClassifier(**QUICK, dropout=0).fit(corpus.data, corpus.target).history_["loss"]


@pytest.mark.slow
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
def test_pretrained_networks_of_other_kinds_or_shapes_are_refused(corpus, network, message):
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
def test_fit_needs_a_table_with_both_columns(corpus, X, came):
    with pytest.raises(ValueError, match=came):
        FusionClassifier(**SMALL).fit(X(corpus.data), corpus.target)


def test_lengths_are_checked(corpus):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FusionClassifier(**SMALL).fit(corpus.data, corpus.target[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FusionClassifier(**SMALL).fit(corpus.data, corpus.target, sample_weight=np.ones(3))


def test_failed_clips_include_the_inner_validation_clips(corpus, tmp_path):
    (tmp_path / "cut.avi").write_bytes(b"RIFF")
    table = corpus.data.copy()
    table.loc[table["speaker"] == "S2", "video"] = str(tmp_path / "cut.avi")
    params = {**QUICK, "early_stopping": True, "inner_groups": "speaker", "validation_fraction": 0.3}
    clf = FusionClassifier(**params).set_params(video__on_error="fill")
    with pytest.warns(ClipWarning):
        clf.fit(table, corpus.target)
    assert sorted(clf.failed_clips_["clip_id"]) == sorted(table["clip_id"][table["speaker"] == "S2"])


def test_extractor_of_other_arrays_is_refused(corpus):
    with pytest.raises(ValueError, match="The audio extractor must return 4-D arrays, as MFCCImage does"):
        FusionClassifier(**{**SMALL, "audio": ProsodyFeatures()}).fit(corpus.data, corpus.target)


def test_extractor_may_be_a_pipeline(corpus):
    audio = make_pipeline(MFCCImage(n_frames=60), FunctionTransformer(np.negative))
    clf = FusionClassifier(**{**QUICK, "audio": audio}).fit(corpus.data, corpus.target)
    assert clf.predict_proba(corpus.data).shape == (21, 7)


def test_single_class_is_refused(corpus):
    anger = corpus.target == "anger"
    with pytest.raises(ValueError, match="got 3 clips of one class"):
        FusionClassifier(**SMALL).fit(corpus.data[anger], corpus.target[anger])


def test_fewer_groups_than_folds_is_an_error_of_scikit_learn(corpus):
    with pytest.raises(ValueError, match="number of groups: 3"):
        cross_val_score(FusionClassifier(**SMALL), corpus.data, corpus.target, groups=corpus.groups, cv=GroupKFold(4))


def test_prediction_needs_a_fit(corpus):
    with pytest.raises(NotFittedError):
        FusionClassifier().predict(corpus.data)


def test_index_of_the_table_does_not_matter(fitted, corpus):
    shuffled = corpus.data.set_index(pd.Index(range(100, 79, -1)))
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(corpus.data))
