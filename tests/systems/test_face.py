"""Systems of the face: with and without landmarks, chosen within training, and better than chance."""

import numpy as np
import pytest
from scipy.stats import binom

from savee_mm import (
    ClipGroupKFold,
    FaceDescriptor,
    FaceFrameSampler,
    LeaveOneSpeakerOut,
    SpeakerNormalizer,
    TransferClassifier,
    load_model,
    load_savee,
    make_talking_faces,
    save_model,
    systems,
)
from savee_mm.model_selection import SpeakerOrClipKFold

ON_FRAMES = ["vgg16", "vgg16_tuned", "vgg16_random", "mobilenet_face", "convlstm"]
ON_DESCRIPTORS = ["face_svm", "best_face"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager")]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Three synthetic speakers, two sentences per emotion: 42 clips."""
    return make_talking_faces(tmp_path_factory.mktemp("faces"), n_speakers=3, n_sentences=2, random_state=0)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    """No weights of detectors or networks, as on a machine without downloads."""
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))


def make(name, **options):
    """Make a system of four frames for each clip, because the detector without weights is slow."""
    system = systems.make(name, **options)
    (path,) = (path for path in system.get_params() if path.endswith("__sampler"))
    return system.set_params(**{path: FaceFrameSampler(n_frames=4, detector="lbp", color="gray")})


def better_than_guessing(n_clips, n_classes=7):
    """Accuracy that 99.9% of random predictions do not reach."""
    return binom.ppf(0.999, n_clips, 1 / n_classes) / n_clips


@pytest.mark.parametrize("name", [*ON_FRAMES, *ON_DESCRIPTORS])
def test_systems_read_the_video_alone(name):
    assert systems.available().loc[name, "reads"] == "video"


@pytest.mark.parametrize("name", ON_FRAMES)
def test_networks_have_no_speaker_normalised_form(name):
    with pytest.raises(ValueError, match=f"'{name}' has no speaker-normalised form"):
        systems.make(name, speaker_normalized=True)


@pytest.mark.parametrize("name", ON_FRAMES)
def test_frames_are_aligned_if_the_detector_finds_landmarks(name, shared, monkeypatch):
    assert systems.make(name)[0].align == "center"
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    assert systems.make(name)[0].align == "eyes"


def test_networks_match_their_names():
    made = {name: systems.make(name, random_state=0)[-1] for name in ON_FRAMES[:4]}
    assert {name: (clf.backbone, clf.weights, clf.trainable_layers) for name, clf in made.items()} == {
        "vgg16": ("vgg16", "imagenet", 0),
        "vgg16_tuned": ("vgg16", "imagenet", 1),
        "vgg16_random": ("vgg16", None, 0),
        "mobilenet_face": ("mobilenet", "imagenet", 0),
    }


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_face"])
def test_missing_weights_are_named_with_a_remedy(name, faces):
    system = systems.make(name).set_params(faceframesampler__n_frames=1, faceframesampler__size=(32, 32))
    with pytest.raises(FileNotFoundError, match=f"fetch-weights {systems.make(name)[-1].backbone}"):
        system.fit(faces.data.iloc[:4], faces.target[:4])


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("name", ON_DESCRIPTORS)
def test_emotions_of_seen_speakers_are_recognised(name, normalized, faces):
    train, test = next(ClipGroupKFold(2).split(faces.data, faces.target))
    system = make(name, speaker_normalized=normalized, random_state=0)
    system.fit(faces.data.iloc[train], faces.target[train])
    assert system.score(faces.data.iloc[test], faces.target[test]) > better_than_guessing(len(test))
    p = system.predict_proba(faces.data.iloc[test])
    assert p.shape == (len(test), 7)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_emotions_of_an_unseen_speaker_are_recognised(faces):
    train, test = next(LeaveOneSpeakerOut().split(faces.data))
    search = make("best_face", random_state=0).fit(faces.data.iloc[train], faces.target[train])
    assert search.score(faces.data.iloc[test], faces.target[test]) > better_than_guessing(len(test))


@pytest.mark.parametrize("normalized", [False, True])
def test_statistics_and_classifier_are_chosen_on_training_speakers(normalized, faces):
    table, y = faces.data, faces.target
    search = make("best_face", speaker_normalized=normalized).fit(table, y)
    assert search.n_splits_ == 3
    folds = list(SpeakerOrClipKFold().split(table, y))
    assert all(not set(table["speaker"].iloc[a]) & set(table["speaker"].iloc[b]) for a, b in folds)
    assert len(search.cv_results_["params"]) == 9
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    features, classifier = search.best_estimator_[0], search.best_estimator_[-1]
    assert isinstance(features, SpeakerNormalizer if normalized else FaceDescriptor)
    (path,) = (name for name in search.param_grid if name.endswith("statistics"))
    assert features.get_params()[path.removeprefix("features__")] == search.best_params_[path]
    assert repr(classifier) == repr(search.best_params_["classifier"])


@pytest.mark.parametrize("name", ON_DESCRIPTORS)
def test_system_is_loaded_from_its_file(name, faces, tmp_path):
    system = make(name, random_state=0).fit(faces.data, faces.target)
    loaded = load_model(save_model(system, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.predict_proba(faces.data[:5]), system.predict_proba(faces.data[:5]))


def test_one_random_network_reads_each_frame_of_a_clip(faces):
    sampler = FaceFrameSampler(n_frames=2, size=(32, 32))
    system = systems.make("vgg16_random", random_state=0).set_params(faceframesampler=sampler)
    system.set_params(transferclassifier__size=32, transferclassifier__epochs=1)
    X = system.fit(faces.data.iloc[:8], faces.target[:8])[0].transform(faces.data.iloc[:3])
    clf = system[-1]
    assert isinstance(clf, TransferClassifier)
    assert clf.input_shape_ == (2, 32, 32, 3)
    p = clf.predict_proba(X)
    # The mean over time does not depend on the order of the frames, nor on how often all frames are repeated.
    np.testing.assert_allclose(clf.predict_proba(X[:, ::-1]), p, atol=1e-6)
    twice = clf.predict_proba(np.repeat(X[:, :1], 2, axis=1))
    assert np.abs(twice - p).max() > 1e-6


# ---- real faces


def test_recommended_system_on_real_faces(shared, monkeypatch):
    """A quarter of the clips of two speakers, half of these in training."""
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    corpus = load_savee(shared / "data/savee_chimera")
    rows = np.flatnonzero(corpus.data["speaker"].isin(["DC", "JE"]))[::4]
    table, y = corpus.data.iloc[rows], corpus.target[rows]
    train, test = next(ClipGroupKFold(2).split(table, y))
    system = systems.make("best_face", random_state=0).fit(table.iloc[train], y[train])
    # At most a third are neutral: the best constant prediction.
    assert np.mean(y[test] == "neutral") < 0.34
    assert system.score(table.iloc[test], y[test]) > binom.ppf(0.999, len(test), 0.34) / len(test)
