"""scikit-learn's own checks, on every estimator that reads numeric columns."""

KIND = "columns"
# These check the quality of predictions; the others hold whatever an estimator has learnt.
LEARNING = {"check_classifiers_train", "check_classifiers_classes", "check_class_weight_classifiers"}


def test_check_estimator(estimator, check):
    if check.func.__name__ in LEARNING and hasattr(estimator, "epochs"):
        estimator.set_params(epochs=10)
    check(estimator)
