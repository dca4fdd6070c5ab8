"""Walks over the parts of an estimator, changed copies of it, and what its parts declare."""

import functools

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from savee_mm import (
    AudioAugmenter,
    ConvLSTMClassifier,
    FaceFrameSampler,
    FusionClassifier,
    LateFusionClassifier,
    PCACorrSelector,
    ProsodyFeatures,
    SpeakerNormalizer,
)
from savee_mm._composition import children, columns_read, failures, held, parts, rebuild, set_everywhere, steps

X, Y = np.arange(12.0).reshape(6, 2), [0, 1, 0, 1, 0, 1]
VOICE, FACE = ["pitch", "level"], ["smile", "brow"]
TABLE = pd.DataFrame({"audio": ["a.wav"], "pitch": [1.0], "level": [2.0], "smile": [3], "emotion": ["joy"]})


def same(name, value):
    return value


def reads(columns):
    return make_pipeline(make_column_transformer(("passthrough", columns)), LogisticRegression())


# ---- parts


def test_every_part_is_found_once_owners_first():
    pipeline = make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=2, random_state=0)).fit(X, Y)
    found = list(parts({"a": [pipeline, pipeline]}))
    kinds = [type(part).__name__ for part in found]
    assert kinds.count("Pipeline") == kinds.count("StandardScaler") == kinds.count("GradientBoostingClassifier") == 1
    assert kinds.count("DecisionTreeRegressor") == 2
    assert kinds.count("Tree") == 2
    assert kinds.index("Pipeline") < kinds.index("StandardScaler") < kinds.index("GradientBoostingClassifier")


@pytest.mark.parametrize(
    "hold",
    [
        lambda item: {"key": item},
        lambda item: [item],
        lambda item: (item,),
        lambda item: {item},
        lambda item: np.array([item, None], dtype=object),
        lambda item: functools.partial(print, item),
        lambda item: functools.partial(print, key=item),
        lambda item: item.get_params,
        lambda item: lambda: item,
    ],
    ids=["dict", "list", "tuple", "set", "array", "partial", "partial keyword", "method", "closure"],
)
def test_what_containers_and_functions_hold_is_found(hold):
    scaler = StandardScaler()
    assert any(item is scaler for item in held(hold(scaler)))
    assert any(part is scaler for part in parts(FunctionTransformer(hold(scaler))))


def test_a_closure_over_a_name_without_a_value_holds_nothing():
    def function():
        return later

    assert held(function) == []
    later = 1
    assert held(function) == [later]


# ---- rebuild


def test_copy_shares_arrays_and_leaves_the_original():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1.0)).fit(X, Y)
    copy = rebuild(pipeline, lambda name, value: 2.0 if name == "C" else value)
    assert (copy[-1].C, pipeline[-1].C) == (2.0, 1.0)
    assert copy[-1].coef_ is pipeline[-1].coef_
    np.testing.assert_array_equal(copy.predict_proba(X), pipeline.predict_proba(X))


def test_one_object_in_two_places_stays_one_object():
    scaler = StandardScaler()
    scaler.itself = scaler
    copy = rebuild({"a": scaler, "b": (scaler, [scaler])}, same)
    assert copy["a"] is copy["b"][0] is copy["b"][1][0] is copy["a"].itself
    assert copy["a"] is not scaler


def test_masks_stay_as_they_are():
    values = np.ma.MaskedArray(np.array([1, "a"], object), mask=[True, False])
    copy = rebuild([values], same)[0]
    assert copy.mask.tolist() == [True, False]
    assert copy.data.tolist() == [1, "a"]


# ---- children and steps


def test_children_of_a_fitted_estimator_are_the_fitted_ones():
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2)
    assert children(search) == [search.estimator]
    assert children(search.fit(X, Y)) == [search.best_estimator_]


def test_children_are_parameters_alone_or_in_a_list():
    first, second = StandardScaler(), SVC()
    assert children(make_pipeline(first, second)) == [first, second]
    assert children(LateFusionClassifier([("a", first, "b"), ("c", second)])) == [first, second]
    assert children(SpeakerNormalizer(first)) == [first]
    assert children(second) == children(None) == []


def test_steps_of_nested_pipelines_and_searches_are_one_list():
    scaler, sampler, selector, svc = StandardScaler(), RandomOverSampler(), PCACorrSelector(), SVC()
    inner = make_resampling_pipeline(sampler, selector, svc)
    assert steps(make_pipeline(scaler, "passthrough", inner)) == [scaler, selector, svc]
    assert steps(GridSearchCV(make_pipeline(scaler, svc), {})) == [scaler, svc]
    assert steps(make_pipeline(scaler, GridSearchCV(svc, {}))) == [scaler, svc]
    assert steps(svc) == [svc]


def test_steps_of_a_fitted_search_are_those_of_its_best_estimator():
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1.0]}, cv=2).fit(X, Y)
    assert steps(search) == [step for _, step in search.best_estimator_.steps]


def test_an_estimator_around_one_that_is_no_search_is_one_step():
    calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), SVC()))
    assert steps(calibrated) == [calibrated]


# ---- columns


@pytest.mark.parametrize(
    ("estimator", "columns"),
    [
        (make_pipeline(ProsodyFeatures(), LogisticRegression()), ["audio"]),
        (make_pipeline(SpeakerNormalizer(FaceFrameSampler()), ConvLSTMClassifier()), ["video"]),
        (FusionClassifier(), ["audio", "video"]),
        (reads(FACE), FACE),
        (make_pipeline(SpeakerNormalizer(make_column_transformer(("passthrough", FACE))), SVC()), FACE),
        (
            make_pipeline(make_union(ProsodyFeatures(), make_column_transformer(("passthrough", FACE))), SVC()),
            ["audio", *FACE],
        ),
        (GridSearchCV(reads(VOICE), {}), VOICE),
        (CalibratedClassifierCV(reads("pitch")), ["pitch"]),
        (LateFusionClassifier([("a", reads(VOICE)), ("b", reads(FACE))]), [*VOICE, *FACE]),
        (make_pipeline(make_column_transformer(("drop", ["brow"]), ("passthrough", ["smile"])), SVC()), ["smile"]),
        (make_resampling_pipeline(AudioAugmenter(), ProsodyFeatures(), SVC()), ["audio"]),
        # After an extractor, columns are those of its output.
        (make_pipeline(ProsodyFeatures(), make_column_transformer(("passthrough", ["pitch_mean"])), SVC()), ["audio"]),
        (make_pipeline(make_column_transformer(("passthrough", [0, 1])), SVC()), []),
        (make_pipeline(make_column_transformer(("passthrough", lambda X: list(X))), SVC()), []),
        (LogisticRegression(), []),
    ],
    ids=lambda value: "" if isinstance(value, list) else type(value).__name__,
)
def test_columns_are_found_from_what_reads_them(estimator, columns):
    assert columns_read(estimator) == columns


def test_columns_of_a_fitted_selector_are_not_columns_of_the_table():
    selector = PCACorrSelector().fit(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2)
    assert columns_read(make_pipeline(reads(VOICE)[0], selector, SVC())) == VOICE
    assert columns_read(selector) == []


@pytest.mark.parametrize(
    ("spec", "columns"),
    [
        ([1, 3], ["pitch", "smile"]),
        (slice(1, 3), ["pitch", "level"]),
        (slice("level", "emotion"), ["level", "smile", "emotion"]),
        ([False, True, False, False, True], ["pitch", "emotion"]),
        (make_column_selector(dtype_include=float), ["pitch", "level"]),
        (make_column_selector("^e"), ["emotion"]),
        (lambda table: [name for name in table if len(name) == 7], ["emotion"]),
        (lambda table: table.columns == "smile", ["smile"]),
        ([], []),
    ],
    ids=["places", "slice", "slice of names", "mask", "type", "pattern", "function", "function of a mask", "none"],
)
def test_columns_are_resolved_by_a_table_as_a_column_transformer_resolves_them(spec, columns):
    estimator = make_pipeline(make_column_transformer(("passthrough", spec)), SVC())
    assert columns_read(estimator, TABLE) == columns
    fitted = ColumnTransformer([("x", "passthrough", spec)]).set_output(transform="pandas").fit(TABLE)
    assert [name.removeprefix("x__") for name in fitted.get_feature_names_out()] == columns


@pytest.mark.parametrize(("spec", "columns"), [(-1, ["emotion"]), ("pitch", ["pitch"]), (["brow"], ["brow"])])
def test_single_and_missing_columns_are_resolved(spec, columns):
    assert columns_read(ColumnTransformer([("x", StandardScaler(), spec)]), TABLE) == columns


@pytest.mark.parametrize("remainder", ["passthrough", StandardScaler()])
def test_remainder_of_a_column_transformer_is_read_unless_dropped(remainder):
    transformer = ColumnTransformer([("a", "passthrough", "pitch"), ("b", "drop", [0, 4])], remainder=remainder)
    assert columns_read(transformer, TABLE) == ["pitch", "level", "smile"]
    assert columns_read(transformer.set_params(remainder="drop"), TABLE) == ["pitch"]


# ---- failures


class Fussy(BaseEstimator):
    """A transformer that could not use one clip in its last call."""

    failed_clips_ = pd.DataFrame([("c1", "c1.wav", "odd")], columns=["clip_id", "path", "reason"])

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


FAILURE = ("c1", "c1.wav", "odd")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda part: part,
        lambda part: make_pipeline(part, StandardScaler(), SVC()),
        lambda part: make_union(StandardScaler(), part),
        lambda part: SpeakerNormalizer(part),
        lambda part: GridSearchCV(make_pipeline(part, SVC()), {"svc__C": [1.0]}, cv=2).fit(X, Y),
    ],
    ids=["alone", "Pipeline", "union", "normalizer", "search"],
)
def test_failures_are_found_within(wrap):
    assert failures(wrap(Fussy())) == [FAILURE]


def test_clip_that_another_branch_predicts_is_no_failure():
    assert failures(LateFusionClassifier([("a", make_pipeline(Fussy(), SVC())), ("b", SVC())])) == []


def test_without_extractors_nothing_fails():
    assert failures(make_pipeline(StandardScaler(), SVC())) == []


# ---- set_everywhere


def test_parameter_is_set_wherever_it_stands():
    search = GridSearchCV(make_pipeline(ProsodyFeatures(), SVC()), {})
    assert set_everywhere(search, random_state=3, n_jobs=2) is search
    assert (search.n_jobs, search.estimator[0].n_jobs, search.estimator[1].random_state) == (2, 2, 3)


def test_parameter_of_a_default_extractor_is_set():
    clf = set_everywhere(FusionClassifier(), cache=None)
    assert clf.cache is clf.audio.cache is clf.video.cache is None


def test_parameters_are_set_in_chosen_owners_only():
    pipeline = make_pipeline(ProsodyFeatures(verbose=False), SVC(verbose=False))
    set_everywhere(pipeline, only=lambda owner: isinstance(owner, ProsodyFeatures), verbose=True)
    assert (pipeline.verbose, pipeline[0].verbose, pipeline[1].verbose) == (False, True, False)


def test_estimator_without_the_parameter_stays_as_it_is():
    frozen = FrozenEstimator(StandardScaler())
    assert set_everywhere(frozen, random_state=1) is frozen
