"""scikit-learn's own checks, on every estimator that reads columns of numbers."""

KIND = "columns"
# These ask for what was learnt; the others for what is done with an estimator, whatever it has learnt.
LEARNING = {"check_classifiers_train", "check_classifiers_classes", "check_class_weight_classifiers"}


def test_check_estimator(estimator, check):
    if check.func.__name__ in LEARNING and hasattr(estimator, "epochs"):
        estimator.set_params(epochs=10)
    check(estimator)
