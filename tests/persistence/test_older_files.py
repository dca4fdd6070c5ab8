"""Model files of format 2, in ``data``, open and predict what they predicted when they were written.

They were trained on seeded noise and on the synthetic corpus. What follows the extractors is compared, so that a
correction of a feature does not count as a change of the file.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.utils.fixes import parse_version

from savee_mm import FusionClassifier, KernelRidgeClassifier, load_card, load_model, save_model
from savee_mm.model_selection import SpeakerOrClipKFold
from savee_mm.persistence._older_files import update

DATA = Path(__file__).parent / "data"

# They were written with scikit-learn 1.9. Earlier ones warn that they may not be able to read them.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
CHANGED_FEATURES = pytest.mark.filterwarnings("ignore:.*the features of .* have changed since")
# Its LogisticRegression lacks an attribute that earlier ones read.
LATE_FUSION = pytest.param(
    "late_fusion",
    marks=pytest.mark.skipif(
        parse_version(sklearn.__version__) < parse_version("1.9"),
        reason="the file was written with scikit-learn 1.9, which is newer",
    ),
)


@pytest.fixture
def noise():
    """The seeded table of the late fusion and, drawn after it, the frames of the ConvLSTM."""
    rng, joy = np.random.default_rng(0), np.tile([0.0, 1.0], 12)
    table = pd.DataFrame({"pitch": rng.normal(joy), "smile": rng.normal(joy)})
    return table, rng.random((6, 2, 16, 16, 3), dtype=np.float32)


@pytest.mark.parametrize("name", ["convlstm", "fusion", "late_fusion"])
def test_card_is_of_format_2(name):
    assert load_card(DATA / f"{name}.savee")["format"] == 2


@CHANGED_FEATURES
@pytest.mark.parametrize("name", ["convlstm", "fusion", LATE_FUSION])
def test_file_is_written_again_in_the_current_format(name, tmp_path):
    again = load_model(save_model(load_model(DATA / f"{name}.savee"), tmp_path / "m.savee"))
    assert repr(again) == repr(load_model(DATA / f"{name}.savee"))


@pytest.mark.parametrize("name", [LATE_FUSION])
def test_late_fusion_predicts_the_same(name, noise):
    probabilities = load_model(DATA / f"{name}.savee").predict_proba(noise[0][:3])
    expected = [0.6322052088948396, 0.10318041725049167, 0.9405264343653333]
    np.testing.assert_allclose(probabilities[:, 0], expected, rtol=0, atol=1e-9)


def test_search_over_a_network_predicts_the_same(noise):
    probabilities = load_model(DATA / "convlstm.savee").predict_proba(noise[1][:3])
    expected = [0.5021902546790324, 0.5001635551550123, 0.49900004261732356]
    np.testing.assert_allclose(probabilities[:, 0], expected, rtol=0, atol=1e-6)


@pytest.mark.skipif(
    parse_version(version("keras")) < parse_version("3.15"),
    reason="the file was written with Keras 3.15, which is newer",
)
def test_joint_network_predicts_the_same():
    with pytest.warns(
        UserWarning, match=r"fusion.*the features of FaceFrameSampler, ProsodyFeatures have changed since"
    ):
        clf = load_model(DATA / "fusion.savee")
    assert isinstance(clf, FusionClassifier)
    inputs = [np.random.default_rng(0).random((2, *i.shape[1:]), dtype=np.float32) for i in clf.model_.inputs]
    probabilities = np.asarray(clf.model_(inputs))
    np.testing.assert_allclose(probabilities[:, 0], [0.6844393610954285, 0.5152148008346558], rtol=0, atol=1e-6)


def test_candidates_and_results_of_a_search_have_the_current_names():
    search = load_model(DATA / "convlstm.savee")
    assert search.param_grid == {"n_filters": [2, 3]}
    assert search.best_params_ == {"n_filters": 3}
    assert search.cv_results_["params"] == [{"n_filters": 2}, {"n_filters": 3}]
    assert search.cv_results_["param_n_filters"].tolist() == [2, 3]


@CHANGED_FEATURES
def test_parameters_have_the_current_names():
    clf = load_model(DATA / "fusion.savee")
    assert (clf.n_filters, clf.augment.snr_db, clf.augment.semitones) == (2, (15, 30), (-1, 1))
    assert not hasattr(clf, "filters")


def test_search_of_an_older_file_can_be_fitted_again(noise):
    search = load_model(DATA / "convlstm.savee")
    search.fit(noise[1], ["anger", "joy"] * 3)
    assert search.best_params_["n_filters"] in (2, 3)


def test_former_slope_is_a_temperature():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.repeat([0, 1], 15)
    clf = KernelRidgeClassifier().fit(X + y[:, np.newaxis], y)
    probabilities, temperature = clf.predict_proba(X), clf.temperature_
    vars(clf)["sharpness_"] = 1 / vars(clf).pop("temperature_")
    np.testing.assert_allclose(update(clf, 2).predict_proba(X), probabilities)
    assert clf.temperature_ == pytest.approx(temperature)


def test_parameters_that_a_file_lacks_have_their_defaults(noise):
    clf = KernelRidgeClassifier(alpha=1.0).fit(noise[0], ["anger", "joy"] * 12)
    folds = SpeakerOrClipKFold(n_splits=3)
    for part in clf, folds:
        for name in ("max_exact", "n_landmarks", "unseen_texts"):
            vars(part).pop(name, None)
    update({"clf": clf, "folds": folds}, 3)
    assert repr(clf) == repr(KernelRidgeClassifier(alpha=1.0))
    assert (clf.max_exact, clf.n_landmarks, folds.n_splits, folds.unseen_texts) == (10_000, 2_000, 3, False)
