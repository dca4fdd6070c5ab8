"""Systems by name: complete estimators, seeded and cached, that do not use test clips."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
import soundfile
from imblearn.pipeline import make_pipeline
from scipy.stats import binom
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.preprocessing import StandardScaler

from savee_mm import (
    AudioAugmenter,
    AudioCNNClassifier,
    ClipGroupKFold,
    KernelRidgeClassifier,
    LeaveOneSpeakerOut,
    MFCCImage,
    SpeakerNormalizer,
    SpeakerSentenceKFold,
    VoiceFunctionals,
    load_model,
    load_savee,
    save_model,
    systems,
)
from savee_mm.datasets.synthetic import synthesize_voice
from savee_mm.model_selection import SpeakerOrClipKFold

NAMES = ["logreg", "svm", "rf", "knn", "cnn", "dual_cnn", "cnn_plus", "vgg19", "yamnet"]
NAMES += ["vgg19_random", "vgg16_mfcc", "vgg16_mfcc_tuned", "mobilenet", "best_audio", "corpus_audio"]
FACE = ["vgg16", "vgg16_tuned", "convlstm", "vgg16_random", "mobilenet_face", "face_svm", "best_face"]
NAMES += [*FACE, "fusion", "best_fusion"]
# encoder_audio cannot be made without the file of an encoder.
LISTED = [*NAMES[:13], "encoder_audio", *NAMES[13:]]
# Networks on frames cannot be normalised by speaker.
PLAIN = [*FACE[:5], "fusion", "corpus_audio"]
MADE = [(name, normalized) for name in NAMES for normalized in (False, True) if not (normalized and name in PLAIN)]
QUICK = ["logreg", "svm", "rf", "knn", "best_audio"]
# F0 (Hz) and its spread (semitones), level (full scale at 1), brightness (Hz).
MANNERS = {"anger": (200, 1.5, 0.1, 1500), "neutral": (140, 1, 0.05, 800), "sadness": (120, 0.3, 0.02, 400)}
TEXTS = [["ma", "si"], ["be", "lo"], ["su", "mi"], ["lo", "ma"], ["si", "be"], ["mo", "lu"]]

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Table and emotions of 54 spoken clips: three speakers, three emotions, six sentences."""
    folder, rng = tmp_path_factory.mktemp("voices"), np.random.default_rng(0)
    rows = []
    for s, (register, vocal_tract) in enumerate(((0.8, 0.95), (1, 1), (1.3, 1.1))):
        for emotion, (f0, f0_range, rms, tilt) in MANNERS.items():
            for k, text in enumerate(TEXTS):
                name = f"S{s}_{emotion}{k}"
                y, _ = synthesize_voice(
                    text,
                    duration=0.5,
                    f0=f0 * register * rng.uniform(0.9, 1.1),
                    f0_range=f0_range,
                    rms=rms * rng.uniform(0.7, 1.4),
                    tilt=tilt,
                    formant_scale=vocal_tract,
                    random_state=len(rows),
                )
                soundfile.write(folder / f"{name}.wav", y + 1e-4 * rng.normal(size=len(y)), 22050)
                rows.append((str(folder / f"{name}.wav"), f"S{s}", f"text{k}", name, emotion))
    table = pd.DataFrame(rows, columns=["audio", "speaker", "sentence", "clip_id", "emotion"])
    return table.drop(columns="emotion"), table["emotion"].to_numpy()


# ---- names


def test_available_lists_the_systems():
    table = systems.available()
    assert table.columns.tolist() == ["published", "reads", "speaker_normalized", "what"]
    assert table.index.name == "system"
    assert table.index.tolist() == LISTED
    assert table.index[table["reads"] == "audio+video"].tolist() == ["fusion", "best_fusion"]
    assert table.index[table["reads"] == "video"].tolist() == FACE
    assert set(table["reads"]) == {"audio", "video", "audio+video"}
    assert table["what"].str.len().between(10, 80).all()
    assert table["what"].is_unique


def test_published_accuracies_are_those_of_the_reference():
    published = systems.available()["published"]
    assert published.dropna().to_dict() == {
        "logreg": 0.385,
        "svm": 0.447,
        "rf": 0.464,
        "knn": 0.397,
        "cnn": 0.505,
        "dual_cnn": 0.422,
        "cnn_plus": 0.552,
        "vgg19": 0.389,
        "yamnet": 0.210,
        "vgg16": 0.73,
        "convlstm": 0.833,
        "fusion": 0.966,
    }


def test_changes_of_the_table_do_not_change_the_list():
    table = systems.available()
    table.loc["svm", "published"] = 1.0
    assert systems.available().loc["svm", "published"] == 0.447


@pytest.mark.parametrize("name", ["oracle", "SVM", ""])
def test_unknown_name_is_refused_with_the_known_names(name):
    with pytest.raises(ValueError, match=f"no system '{name}'; the systems are {', '.join(LISTED)}"):
        systems.make(name)


def test_fusion_has_no_speaker_normalised_form():
    with pytest.raises(ValueError, match="'fusion' has no speaker-normalised form"):
        systems.make("fusion", speaker_normalized=True)


# ---- estimators


def parts(estimator):
    """Return the estimator and all estimators within it by path, including default parts."""
    params = estimator.get_params()
    return {"": estimator, **{path: value for path, value in params.items() if hasattr(value, "get_params")}}


@pytest.mark.parametrize(("name", "normalized"), MADE)
def test_system_is_an_estimator_that_can_be_cloned(name, normalized):
    system = systems.make(name, speaker_normalized=normalized, random_state=3)
    copy = clone(system)
    assert repr(copy) == repr(system)
    assert sorted(copy.get_params()) == sorted(system.get_params())
    assert hasattr(system, "fit")
    assert hasattr(system, "predict_proba")
    assert repr(pickle.loads(pickle.dumps(system))) == repr(system)


@pytest.mark.parametrize(("name", "normalized"), MADE)
def test_seed_and_cache_reach_every_part(name, normalized, tmp_path):
    system = systems.make(name, speaker_normalized=normalized, random_state=3, cache=tmp_path)
    params = system.get_params()
    settings = {"random_state": 3, "cache": tmp_path}
    for end, value in settings.items():
        found = {path: setting for path, setting in params.items() if path.rpartition("__")[2] == end}
        assert all(setting == value for setting in found.values()), found
    for path, part in parts(system).items():
        for end in settings.keys() & part.get_params(deep=False).keys():
            assert getattr(part, end) == settings[end], (path, end)
    # At least one extractor has the cache, also in the clone.
    assert sum(getattr(part, "cache", None) == tmp_path for part in parts(clone(system)).values()) >= 1


@pytest.mark.parametrize(
    ("name", "seeded"),
    [("rf", "randomforestclassifier"), ("yamnet", "denseclassifier"), ("cnn", "")],
)
def test_random_parts_have_the_seed(name, seeded):
    assert parts(systems.make(name, random_state=3))[seeded].random_state == 3
    assert parts(systems.make(name))[seeded].random_state is None


# corpus_audio has both forms.
@pytest.mark.parametrize(("name", "normalized"), [pair for pair in MADE if pair[0] != "corpus_audio"])
def test_features_are_normalised_by_speaker_only_on_request(name, normalized):
    found = list(parts(systems.make(name, speaker_normalized=normalized)).values())
    assert any(isinstance(part, SpeakerNormalizer) for part in found) == normalized
    if normalized:
        # Every extractor is within a normaliser.
        inner = {id(part.extractor) for part in found if isinstance(part, SpeakerNormalizer)}
        assert all(id(part) in inner for part in found if hasattr(part, "on_error"))
        # Images that are normalised by clip or training first have lost the speaker.
        assert all(part.normalize is None for part in found if hasattr(part, "normalize"))


def test_two_systems_share_nothing():
    one, other = systems.make("cnn_plus"), systems.make("cnn_plus")
    one.set_params(image__n_mfcc=13, features__n_mfcc=7)
    assert (other.get_params()["image__n_mfcc"], other.features.n_mfcc) != (13, 7)
    assert other.get_params()["image__n_mfcc"] == 40


def test_default_image_of_the_network_keeps_its_normalisation():
    assert AudioCNNClassifier().get_params()["image__normalize"] == "training"
    assert systems.make("fusion").get_params()["audio__n_mfcc"] == 40


# ---- predictions


@pytest.mark.slow
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("name", QUICK)
def test_quick_systems_recognise_emotions(voices, name, normalized):
    table, y = voices
    system = systems.make(name, speaker_normalized=normalized, random_state=0)
    scores = cross_val_score(system, table, y, cv=ClipGroupKFold(2), error_score="raise")
    # 99.9% of random predictions of three emotions with 18 clips each are below .54; anger is loud and high.
    assert scores.mean() > binom.ppf(0.999, 54, 1 / 3) / 54
    fitted = system.fit(table, y)
    p = fitted.predict_proba(table)
    assert p.shape == (54, 3)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert fitted.classes_.tolist() == sorted(MANNERS)


@pytest.mark.slow
def test_same_seed_same_probabilities(voices):
    table, y = voices[0].iloc[::2], voices[1][::2]
    p = [systems.make("rf", random_state=seed).fit(table, y).predict_proba(table) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(p[0], p[1])
    assert np.any(p[0] != p[2])


@pytest.mark.slow
@pytest.mark.parametrize("normalized", [False, True])
def test_shuffled_emotions_are_predicted_at_chance(voices, normalized):
    table, y = voices
    shuffled = np.random.default_rng(0).permutation(y)
    system = systems.make("best_audio", speaker_normalized=normalized, random_state=0)
    predicted = cross_val_predict(system, table, shuffled, cv=ClipGroupKFold(3))
    assert binom.ppf(0.001, 54, 1 / 3) <= (predicted == shuffled).sum() <= binom.ppf(0.999, 54, 1 / 3)


# ---- choices of the recommended system


def test_recommended_system_chooses_among_kernels_widths_weights_and_levels(voices):
    table, y = voices
    search = systems.make("best_audio", random_state=0).fit(table, y)
    assert len(search.cv_results_["params"]) == 36
    candidates = {name.rpartition("__")[2]: set(values) for name, values in search.param_grid.items()}
    assert candidates == {
        "level": {"relative", "absolute"},
        "kernels": {("rbf", "laplacian"), ("rbf",), ("laplacian",)},
        "gamma": {0.25, 0.5, 1.0},
        "alpha": {0.03, 0.1},
    }
    best = search.best_estimator_.get_params()
    assert {name: best[name] for name in search.best_params_} == search.best_params_
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


@pytest.mark.slow
@pytest.mark.parametrize("normalized", [False, True])
def test_labels_of_test_clips_have_no_effect_on_the_choice(voices, normalized):
    table, y = voices
    train, test = next(LeaveOneSpeakerOut().split(table))
    other = y.copy()
    other[test] = np.roll(y[test], 7)
    assert (other[test] != y[test]).sum() > 6
    made = [systems.make("best_audio", speaker_normalized=normalized, random_state=0) for _ in range(2)]
    found = [system.fit(table.iloc[train], labels[train]) for system, labels in zip(made, (y, other), strict=True)]
    np.testing.assert_array_equal(*[system.cv_results_["mean_test_score"] for system in found])
    np.testing.assert_array_equal(*[system.predict_proba(table.iloc[test]) for system in found])


class RememberingSplitter(SpeakerOrClipKFold):
    """The inner splitter, which records its tables and folds."""

    seen = []

    def split(self, X, y=None, groups=None):
        folds = list(super().split(X, y))
        RememberingSplitter.seen.append((X, folds))
        return iter(folds)


@pytest.mark.parametrize("cv", [ClipGroupKFold(2), LeaveOneSpeakerOut(), SpeakerSentenceKFold(2)], ids=str)
def test_inner_folds_are_of_the_training_table_and_keep_speakers_apart(voices, cv):
    table, y = voices
    table, y = pd.concat([table, table], ignore_index=True), np.tile(y, 2)
    system = systems.make("best_audio").set_params(cv=RememberingSplitter())
    system.param_grid = {"voicefunctionals__level": ["relative", "absolute"]}
    RememberingSplitter.seen.clear()
    cross_val_score(system, table, y, cv=cv, error_score="raise")
    for (given, folds), (train, _) in zip(RememberingSplitter.seen, cv.split(table, y), strict=True):
        pd.testing.assert_frame_equal(given, table.iloc[train])
        assert len(folds) == given["speaker"].nunique() >= 2
        for inner_train, inner_test in folds:
            for column in ("speaker", "clip_id"):
                assert not set(given[column].iloc[inner_train]) & set(given[column].iloc[inner_test])


@pytest.mark.slow
@pytest.mark.parametrize("normalized", [False, True])
def test_with_one_speaker_the_choice_is_made_by_clip(voices, normalized):
    own = (voices[0]["speaker"] == "S1").to_numpy()
    table, y = voices[0][own], voices[1][own]
    system = systems.make("best_audio", speaker_normalized=normalized).set_params(cv=RememberingSplitter())
    RememberingSplitter.seen.clear()
    assert system.fit(table, y).score(table, y) > 0.9
    (_, folds), *more = RememberingSplitter.seen
    assert not more
    assert [test.tolist() for _, test in folds] == [test.tolist() for _, test in ClipGroupKFold(5).split(table, y)]


def test_recommended_system_needs_no_speakers(voices):
    table, y = voices
    system = systems.make("best_audio").fit(table[["audio"]], y)
    assert system.n_splits_ == 5
    assert system.predict(table["audio"].tolist()).shape == y.shape


# ---- no clip on both sides


class RememberingImage(MFCCImage):
    """The extractor, which records its tables."""

    seen = []

    def fit_transform(self, X, y=None):
        RememberingImage.seen.append(("fit", X))
        return super().fit_transform(X, y)

    def transform(self, X):
        RememberingImage.seen.append(("transform", X))
        return super().transform(X)


class RememberingFunctionals(VoiceFunctionals):
    """The extractor, which records its tables."""

    seen = []

    def fit_transform(self, X, y=None):
        RememberingFunctionals.seen.append(("fit", X))
        return super().fit_transform(X, y)

    def transform(self, X):
        RememberingFunctionals.seen.append(("transform", X))
        return super().transform(X)


SPLITTERS = [ClipGroupKFold(3), SpeakerSentenceKFold(2)]


def held_apart(cv, one, other):
    """Return whether two tables share no clip, and no group of the splitter."""
    columns = ["clip_id"] if isinstance(cv, ClipGroupKFold) else ["clip_id", "speaker", "sentence"]
    return not any(set(one[column]) & set(other[column]) for column in columns)


@pytest.mark.slow
@pytest.mark.parametrize(("cv", "inner_groups"), [(SPLITTERS[0], "clip_id"), (SPLITTERS[1], "sentence")])
def test_no_clip_is_on_both_sides_of_any_split_of_a_network(voices, cv, inner_groups):
    table, y = voices
    # Each clip twice, as if recorded by two cameras: the split is by clip, not by row.
    table, y = pd.concat([table, table], ignore_index=True), np.tile(y, 2)
    # A minimal network: the test is about the clips that reach it.
    clf = AudioCNNClassifier(
        n_filters=2,
        n_units=2,
        epochs=1,
        batch_size=200,
        image=RememberingImage(n_mfcc=13, n_frames=20),
        augment=AudioAugmenter(n_copies=2, semitones=None, stretch_rate=None),
        early_stopping=True,
        inner_groups=inner_groups,
        validation_fraction=0.25,
        random_state=0,
    )
    RememberingImage.seen.clear()
    cross_val_score(clf, table, y, cv=cv, error_score="raise")
    folds = list(cv.split(table, y))
    # Training, inner validation and test clips of each fold.
    assert [kind for kind, _ in RememberingImage.seen] == ["fit", "transform", "transform"] * len(folds)
    tables = [given for _, given in RememberingImage.seen]
    for (train, test), fitted, watched, tested in zip(folds, tables[::3], tables[1::3], tables[2::3], strict=True):
        pd.testing.assert_frame_equal(tested, table.iloc[test])
        assert held_apart(cv, fitted, tested)
        assert held_apart(cv, watched, tested)
        assert not set(fitted["clip_id"]) & set(watched["clip_id"])
        assert not set(fitted[inner_groups]) & set(watched[inner_groups])
        assert set(fitted["clip_id"]) | set(watched["clip_id"]) == set(table["clip_id"].iloc[train])
        # Two copies of every training row, none of validation and test rows.
        assert fitted["augmentation"].notna().sum() == 2 * fitted["augmentation"].isna().sum() > 0
        assert "augmentation" not in watched
        assert "augmentation" not in tested
        assert len(fitted) / 3 + len(watched) == len(train)


@pytest.mark.slow
@pytest.mark.parametrize("cv", [*SPLITTERS, LeaveOneSpeakerOut()], ids=lambda cv: type(cv).__name__)
def test_no_copy_of_a_test_clip_is_in_training_after_an_augmenter(voices, cv):
    table, y = voices
    n_copies = 2
    augmenter = AudioAugmenter(n_copies=n_copies, equalizer=(2, 8), random_state=0)
    system = make_pipeline(augmenter, RememberingFunctionals(), StandardScaler(), KernelRidgeClassifier())
    RememberingFunctionals.seen.clear()
    cross_val_score(system, table, y, cv=cv, error_score="raise")
    folds = list(cv.split(table, y))
    assert [kind for kind, _ in RememberingFunctionals.seen] == ["fit", "transform"] * len(folds)
    tables = [given for _, given in RememberingFunctionals.seen]
    for (train, test), fitted, tested in zip(folds, tables[::2], tables[1::2], strict=True):
        assert not set(fitted["clip_id"]) & set(tested["clip_id"])
        assert fitted["clip_id"].tolist() == table["clip_id"].iloc[train].tolist() * (1 + n_copies)
        assert fitted["augmentation"].notna().sum() == n_copies * len(train) > 0
        pd.testing.assert_frame_equal(tested, table.iloc[test])


# ---- model files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "normalized"),
    [("best_audio", False), ("best_audio", True), ("svm", True), ("logreg", False), ("knn", True)],
)
def test_system_is_loaded_from_its_file(voices, name, normalized, tmp_path):
    table, y = voices
    system = systems.make(name, speaker_normalized=normalized, random_state=0).fit(table, y)
    loaded = load_model(save_model(system, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.predict_proba(table), system.predict_proba(table))
    # Also for an unseen speaker.
    unseen = table[table["speaker"] == "S1"].assign(speaker="X")
    np.testing.assert_array_equal(loaded.predict_proba(unseen), system.predict_proba(unseen))


@pytest.mark.slow
def test_few_types_of_other_libraries_are_known(voices):
    table, y = voices
    foreign = set()
    made = [systems.make(name, random_state=0) for name in ("best_audio", "svm", "logreg", "knn")]
    made.append(make_pipeline(AudioAugmenter(semitones=None, stretch_rate=None), systems.make("best_audio")))
    for system in made:
        system.fit(table, y)
        named = skops.io.get_untrusted_types(data=skops.io.dumps(system))
        foreign |= {kind for kind in named if not kind.startswith("savee_mm.")}
    assert foreign == {
        "imblearn.pipeline.Pipeline",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.feature_selection._univariate_selection.f_classif",
    }


# ---- real voices


@pytest.mark.slow
def test_recommended_system_on_real_voices(shared):
    """Half of the clips of two speakers of SAVEE, half of these in training."""
    corpus = load_savee(shared / "data/savee_chimera")
    rows = np.flatnonzero(corpus.data["speaker"].isin(["DC", "JE"]))[::2]
    table, y = corpus.data.iloc[rows], corpus.target[rows]
    train, test = next(ClipGroupKFold(2).split(table, y))
    system = systems.make("best_audio", random_state=0).fit(table.iloc[train], y[train])
    # A quarter are neutral: the best constant prediction.
    assert np.mean(y[test] == "neutral") < 0.26
    assert system.score(table.iloc[test], y[test]) > binom.ppf(0.999, len(test), 0.26) / len(test)
