"""KernelRidgeClassifier agrees with kernel ridge regression, and its temperature with explicit leave-one-out."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import laplacian_kernel, linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from savee_mm import KernelRidgeClassifier


def make_classes(*, n_samples=60, n_features=5, n_classes=3, distance=1.0, random_state=0):
    """Draw samples about a centre for each class, in unequal numbers, and further samples to predict."""
    rng = np.random.default_rng(random_state)
    shares = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    codes = rng.permutation(np.repeat(np.arange(n_classes), np.round(shares * n_samples).astype(int)))
    centres = distance * rng.normal(size=(n_classes, n_features))
    X = centres[codes] + rng.normal(size=(len(codes), n_features))
    return X, np.array(["anger", "fear", "joy", "sadness"])[codes], rng.normal(size=(20, n_features))


def mean_kernel(A, B, kernels=("rbf", "laplacian"), gamma=0.5):
    """Mean of scikit-learn's kernels, with the widths of the docstring."""
    known = {
        "rbf": rbf_kernel(A, B, gamma=gamma / A.shape[1]),
        "laplacian": laplacian_kernel(A, B, gamma=gamma / A.shape[1]),
        "linear": gamma * linear_kernel(A, B) / A.shape[1],
    }
    return np.mean([known[name] for name in kernels], axis=0)


def targets_of(y):
    return (y[:, np.newaxis] == np.unique(y)) - 1 / len(np.unique(y))


# ---- agreement with the reference


@pytest.mark.parametrize("kernels", [("rbf",), ("laplacian",), ("linear",), ("rbf", "laplacian"), ["linear", "rbf"]])
@pytest.mark.parametrize("class_weight", ["balanced", None, {"anger": 3, "fear": 1, "joy": 0.5}])
def test_scores_are_those_of_kernel_ridge_regression(kernels, class_weight):
    X, y, X_test = make_classes()
    sample_weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    clf = KernelRidgeClassifier(kernels=kernels, gamma=0.7, alpha=0.1, class_weight=class_weight)
    clf.fit(X, y, sample_weight=sample_weight)
    weights = sample_weight * compute_sample_weight(class_weight, y)
    reference = KernelRidge(kernel="precomputed", alpha=0.1)
    reference.fit(mean_kernel(X, X, kernels, 0.7) + 1, targets_of(y), sample_weight=weights)
    expected = reference.predict(mean_kernel(X_test, X, kernels, 0.7) + 1)
    np.testing.assert_allclose(clf.decision_function(X_test), expected, atol=1e-9)
    np.testing.assert_allclose(clf.dual_coef_, reference.dual_coef_, atol=1e-9)


def test_two_classes_have_one_score():
    X, y, X_test = make_classes(n_classes=2)
    clf = KernelRidgeClassifier().fit(X, y)
    scores = (mean_kernel(X_test, X) + 1) @ clf.dual_coef_
    np.testing.assert_allclose(clf.decision_function(X_test), scores[:, 1] - scores[:, 0])
    # Targets of 1/2 and -1/2: the classes' scores are opposite.
    np.testing.assert_allclose(scores.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(clf.predict(X_test), np.where(clf.decision_function(X_test) > 0, "fear", "anger"))


def test_scores_of_the_classes_sum_to_zero():
    X, y, X_test = make_classes(n_classes=4)
    np.testing.assert_allclose(KernelRidgeClassifier().fit(X, y).decision_function(X_test).sum(axis=1), 0, atol=1e-10)


@pytest.mark.parametrize("n_samples", [60, 120])
def test_distances_are_cached_by_the_content_of_the_samples(n_samples):
    # Distances are cached from about 90 samples on.
    X, y, X_test = make_classes(n_samples=n_samples)
    clf = KernelRidgeClassifier(kernels=("laplacian",))
    first = clf.fit(X, y).decision_function(X_test)
    for gamma in (0.25, 2.0):
        again = clone(clf).set_params(gamma=gamma).fit(X, y)
        expected = (mean_kernel(X_test, X, ("laplacian",), gamma) + 1) @ again.dual_coef_
        np.testing.assert_allclose(again.decision_function(X_test), expected, atol=1e-9)
    other = X.copy()
    other[0, 0] += 1
    fresh = (mean_kernel(X_test, other, ("laplacian",), 0.5) + 1) @ clone(clf).fit(other, y).dual_coef_
    assert not np.allclose(first, fresh, atol=1e-9)
    np.testing.assert_allclose(clone(clf).fit(other, y).decision_function(X_test), fresh, atol=1e-9)
    np.testing.assert_array_equal(clone(clf).fit(X, y).decision_function(X_test), first)


# ---- leaving one out


def leave_one_out(X, y, weights, **params):
    """Scores of each sample by a regression on the other samples."""
    scores = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        reference = KernelRidge(kernel="precomputed", alpha=params["alpha"])
        K = mean_kernel(X, X, params["kernels"], params["gamma"]) + 1
        reference.fit(K[np.ix_(rest, rest)], targets_of(y)[rest], sample_weight=weights[rest])
        scores.append(reference.predict(K[[i]][:, rest])[0])
    return np.array(scores)


@pytest.mark.parametrize("kernels", [("rbf", "laplacian"), ("linear",)])
@pytest.mark.parametrize("class_weight", ["balanced", None])
def test_temperature_minimises_the_log_loss_of_left_out_samples(kernels, class_weight):
    X, y, _ = make_classes(n_samples=30)
    params = {"kernels": kernels, "gamma": 0.5, "alpha": 0.1}
    sample_weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    clf = KernelRidgeClassifier(class_weight=class_weight, **params).fit(X, y, sample_weight=sample_weight)
    weights = sample_weight * compute_sample_weight(class_weight, y)
    scores = leave_one_out(X, y, weights, **params)

    def loss(log_factor):
        return log_loss(y, softmax(np.exp(log_factor) * scores, axis=1), sample_weight=weights)

    best = minimize_scalar(loss, bounds=(-2, 5), method="bounded", options={"xatol": 1e-9}).x
    assert -1.9 < best < 4.9
    # The loss is flat around its minimum: either search stops some 1e-5 from it.
    assert -np.log(clf.temperature_) == pytest.approx(best, abs=1e-4)
    # The best for predictions of the training samples is another.
    trained = minimize_scalar(
        lambda log: log_loss(y, softmax(np.exp(log) * clf.decision_function(X), axis=1)), bounds=(-2, 5)
    ).x
    assert trained > best + 0.05


def test_temperature_is_higher_for_noise_than_for_separable_classes():
    X, y, _ = make_classes(distance=5)
    shuffled = np.random.default_rng(0).permutation(y)
    sure, unsure = KernelRidgeClassifier().fit(X, y), KernelRidgeClassifier().fit(X, shuffled)
    assert sure.predict_proba(X).max(axis=1).mean() > 0.95
    left_out = cross_val_predict(unsure, X, shuffled, cv=LeaveOneOut(), method="predict_proba")
    assert left_out.max(axis=1).mean() < 0.5
    assert unsure.temperature_ > sure.temperature_


def test_probabilities_of_new_samples_are_calibrated():
    X, y, _ = make_classes(n_samples=400, distance=0.7)
    clf = KernelRidgeClassifier(class_weight=None).fit(X[:200], y[:200])
    p = clf.predict_proba(X[200:])
    right = clf.predict(X[200:]) == y[200:]
    # Three standard deviations of a proportion of two hundred samples.
    assert abs(p.max(axis=1).mean() - right.mean()) < 3 * 0.5 / np.sqrt(200)
    prior = np.unique(y[:200], return_counts=True)[1] / 200
    assert log_loss(y[200:], p) < log_loss(y[200:], np.tile(prior, (200, 1))) - 0.1


# ---- probabilities and predictions


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_probabilities_sum_to_one_and_the_highest_is_predicted(n_classes):
    X, y, X_test = make_classes(n_classes=n_classes)
    clf = KernelRidgeClassifier().fit(X, y)
    p = clf.predict_proba(X_test)
    assert p.shape == (20, n_classes)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(clf.classes_[p.argmax(axis=1)], clf.predict(X_test))
    if n_classes > 2:
        np.testing.assert_allclose(np.log(p), log_softmax(clf.decision_function(X_test) / clf.temperature_, axis=1))


def test_far_from_all_samples_only_the_intercept_remains():
    X, y, _ = make_classes()
    clf = KernelRidgeClassifier().fit(X, y)
    far = clf.decision_function(np.full((1, 5), 1e6))
    np.testing.assert_allclose(far[0], clf.dual_coef_.sum(axis=0), atol=1e-12)
    # With balanced classes it is small compared to the scores of the samples.
    assert np.abs(far).max() < 0.3 * np.abs(clf.decision_function(X)).max()
    assert clf.predict_proba(np.full((1, 5), 1e6)).max() < clf.predict_proba(X).max(axis=1).mean()


def test_linear_kernel_extrapolates():
    X, y, _ = make_classes()
    clf = KernelRidgeClassifier(kernels=("linear",)).fit(X, y)
    origin, once, twice = clf.decision_function(np.outer([0, 1, 2], np.full(5, 1e3)))
    np.testing.assert_allclose(twice - once, once - origin)


def test_iris_is_learnt():
    X, y = load_iris(return_X_y=True)
    clf = make_pipeline(StandardScaler(), KernelRidgeClassifier())
    assert (cross_val_predict(clf, X, y, cv=5) == y).mean() > 0.94


def test_number_of_equal_columns_does_not_matter():
    X, y, X_test = make_classes()
    once = KernelRidgeClassifier().fit(X, y)
    thrice = KernelRidgeClassifier().fit(np.tile(X, 3), y)
    np.testing.assert_allclose(thrice.decision_function(np.tile(X_test, 3)), once.decision_function(X_test), atol=1e-9)


# ---- weights


def test_integer_weight_equals_repeated_samples_in_the_scores():
    X, y, X_test = make_classes()
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = KernelRidgeClassifier(class_weight=None).fit(X, y, sample_weight=weights)
    repeated = KernelRidgeClassifier(class_weight=None).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.decision_function(X_test), repeated.decision_function(X_test), atol=1e-8)
    np.testing.assert_array_equal(weighted.predict(X_test), repeated.predict(X_test))
    # A copy of the sample that is left out is in training: repeated samples make the predictions overconfident.
    assert repeated.temperature_ < weighted.temperature_


def test_sample_of_weight_zero_is_left_out():
    X, y, X_test = make_classes()
    weights = np.ones(len(y))
    weights[:20] = 0
    weighted = KernelRidgeClassifier(class_weight=None).fit(X, y, sample_weight=weights)
    without = KernelRidgeClassifier(class_weight=None).fit(X[20:], y[20:])
    np.testing.assert_array_equal(weighted.predict_proba(X_test), without.predict_proba(X_test))
    assert weighted.X_fit_.shape == (len(y) - 20, 5)


def test_equal_weights_scale_alpha():
    X, y, X_test = make_classes()
    heavy = KernelRidgeClassifier(alpha=0.3).fit(X, y, sample_weight=np.full(len(y), 3.0))
    light = KernelRidgeClassifier(alpha=0.1).fit(X, y)
    np.testing.assert_allclose(heavy.decision_function(X_test), light.decision_function(X_test), atol=1e-9)


def test_balanced_class_weight_increases_the_recall_of_the_rare_class():
    rng = np.random.default_rng(0)
    y = np.repeat(["many", "few"], [180, 20])
    X = rng.normal(size=(200, 3)) + np.where(y == "few", 0.8, 0)[:, np.newaxis]
    recall = {}
    for class_weight in (None, "balanced"):
        predicted = cross_val_predict(KernelRidgeClassifier(alpha=1, class_weight=class_weight), X, y, cv=5)
        recall[class_weight] = np.mean(predicted[y == "few"] == "few")
    assert recall["balanced"] > recall[None] + 0.3


# ---- with scikit-learn's tools


def test_clone_pickle_and_search():
    X, y, X_test = make_classes()
    clf = KernelRidgeClassifier(kernels=("linear", "rbf"), gamma=2).fit(X, y)
    assert clone(clf).get_params() == clf.get_params()
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(clf)).predict_proba(X_test), clone(clf).fit(X, y).predict_proba(X_test)
    )
    search = GridSearchCV(clf, {"kernels": [("rbf",), ["linear"]], "alpha": [0.01, 1]}, cv=3, error_score="raise")
    assert search.fit(X, y).best_estimator_.alpha == search.best_params_["alpha"]


def test_columns_of_a_table_have_names():
    X, y, _ = make_classes()
    table = pd.DataFrame(X, columns=list("abcde"))
    clf = KernelRidgeClassifier().fit(table, y)
    assert clf.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(table[list("edcba")])


# ---- errors


@pytest.mark.parametrize("kernels", ["rbf", (), ("rbf", "poly"), ["sigmoid"], None, 3])
def test_bad_kernels_are_refused(kernels):
    X, y, _ = make_classes()
    with pytest.raises(ValueError, match="'kernels' parameter of KernelRidgeClassifier must be") as caught:
        KernelRidgeClassifier(kernels=kernels).fit(X, y)
    assert repr(kernels) in str(caught.value)


@pytest.mark.parametrize("bad", [{"gamma": 0}, {"alpha": 0}, {"alpha": -1}, {"class_weight": "equal"}])
def test_bad_parameter_is_refused(bad):
    X, y, _ = make_classes()
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of KernelRidgeClassifier"):
        KernelRidgeClassifier(**bad).fit(X, y)


def test_single_class_is_refused():
    X, y, _ = make_classes()
    with pytest.raises(ValueError, match="needs samples of at least two classes, got one class: anger"):
        KernelRidgeClassifier().fit(X, np.full(len(y), "anger"))


def test_zero_or_negative_weights_are_refused():
    X, y, _ = make_classes()
    with pytest.raises(ValueError, match=r"(?i)sample"):
        KernelRidgeClassifier().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        KernelRidgeClassifier().fit(X, y, sample_weight=np.full(len(y), -1.0))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_prediction_needs_a_fit(method):
    with pytest.raises(NotFittedError):
        getattr(KernelRidgeClassifier(), method)(make_classes()[2])


# ---- approximation for many samples


@pytest.mark.parametrize("kernels", [("rbf",), ("laplacian",), ("rbf", "laplacian")], ids="+".join)
@pytest.mark.parametrize("weighted", [False, True])
def test_approximation_with_all_samples_as_landmarks_is_exact(kernels, weighted):
    X, y, unseen = make_classes()
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X)) if weighted else None
    exact = KernelRidgeClassifier(kernels=kernels).fit(X, y, weights)
    approximate = clone(exact).set_params(max_exact=len(X) - 1, n_landmarks=len(X)).fit(X, y, weights)
    np.testing.assert_allclose(approximate.decision_function(unseen), exact.decision_function(unseen), atol=1e-5)
    assert approximate.temperature_ == pytest.approx(exact.temperature_, rel=1e-4)


def test_blocks_of_samples_do_not_change_the_approximation(monkeypatch):
    X, y, unseen = make_classes()
    approximation = KernelRidgeClassifier(max_exact=1, n_landmarks=20, random_state=0)
    whole = approximation.fit(X, y).predict_proba(unseen)
    monkeypatch.setattr("savee_mm.classifiers.kernel_ridge._BLOCK", 7)
    np.testing.assert_allclose(approximation.fit(X, y).predict_proba(unseen), whole, rtol=1e-6)


def test_approximation_keeps_landmarks_of_every_class_and_depends_on_the_seed_only():
    X, y, unseen = make_classes(n_samples=300)
    fits = [KernelRidgeClassifier(max_exact=299, n_landmarks=30, random_state=seed).fit(X, y) for seed in (0, 0, 1)]
    assert [len(fit.X_fit_) for fit in fits] == [30, 30, 30]
    shares = pd.Series(y).value_counts(normalize=True)
    rows = {tuple(row): label for row, label in zip(X, y, strict=True)}
    kept = pd.Series([rows[tuple(row)] for row in fits[0].X_fit_]).value_counts(normalize=True)
    assert (kept - shares).abs().max() <= 1 / 30
    np.testing.assert_array_equal(fits[0].predict_proba(unseen), fits[1].predict_proba(unseen))
    assert not np.array_equal(fits[0].X_fit_, fits[2].X_fit_)


def test_up_to_max_exact_samples_the_solution_is_exact():
    X, y, _ = make_classes()
    assert len(KernelRidgeClassifier(max_exact=len(X), n_landmarks=5).fit(X, y).X_fit_) == len(X)
    assert len(KernelRidgeClassifier(max_exact=len(X) - 1, n_landmarks=5).fit(X, y).X_fit_) == 5


def test_leave_one_out_of_the_approximation_equals_refits_without_each_sample():
    X, y, _ = make_classes(n_samples=30)
    model = KernelRidgeClassifier(max_exact=1, n_landmarks=10, class_weight=None, random_state=0).fit(X, y)
    targets = (y[:, None] == model.classes_) - 1 / 3
    left_out = model._solve_approximately(X, targets, np.ones(len(X)), np.searchsorted(model.classes_, y))
    landmarks = model.X_fit_
    kernel = mean_kernel(landmarks, landmarks) + 1
    phi = np.linalg.solve(np.linalg.cholesky(kernel + 1e-8 * np.eye(10)), (mean_kernel(X, landmarks) + 1).T).T
    for i in range(len(X)):
        others = np.arange(len(X)) != i
        system = phi[others].T @ phi[others] + model.alpha * np.eye(10)
        expected = phi[i] @ np.linalg.solve(system, phi[others].T @ targets[others])
        np.testing.assert_allclose(left_out[i], expected, atol=1e-6)
