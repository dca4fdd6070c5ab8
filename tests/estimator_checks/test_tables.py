"""Checks of estimators that read a clip table, named after scikit-learn's checks of DataFrames."""

import numpy as np
import pytest
from sklearn.base import clone

KIND = "table"


def test_check_dataframe_column_names_consistency(subject):
    expected = subject.output(subject.fitted, subject.X_new)
    # Columns are read by name: the order of columns, other columns and the index do not matter.
    other = subject.X_new[subject.X_new.columns[::-1]].assign(take=1).set_axis([7] * 7)
    np.testing.assert_array_equal(subject.output(subject.fitted, other), expected)


def test_check_n_features_in_after_fitting(subject):
    nothing = subject.X_new.drop(columns=["audio", "video"])
    with pytest.raises(ValueError, match=r"'audio'|'video'|nothing|anything to read"):
        subject.output(subject.fitted, nothing)
    with pytest.raises(ValueError, match=r"'audio'|'video'|nothing|anything to read"):
        clone(subject.estimator).fit(subject.X.drop(columns=["audio", "video"]), subject.y)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_other_libraries(subject, library):
    package = pytest.importorskip(library, reason=f"{library} is not installed")
    convert = package.from_pandas if library == "polars" else package.Table.from_pandas
    output = subject.output(subject.fitted, convert(subject.X_new[["audio", "video", "speaker", "sentence"]]))
    np.testing.assert_array_equal(output, subject.output(subject.fitted, subject.X_new))
