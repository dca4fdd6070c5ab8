"""ColumnBranch: a classifier of numeric columns of the clip table."""

from collections.abc import Sequence

from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def ColumnBranch(columns: str | Sequence[str], classifier: BaseEstimator | None = None) -> Pipeline:
    """Make a classifier of numeric columns of the clip table, such as features of openSMILE or embeddings.

    Parameters
    ----------
    columns : str or sequence of str
        Columns of numbers.
    classifier : estimator, default=None
        Classifier of arrays; it is cloned. None is a logistic regression of standardized columns.

    Returns
    -------
    branch : Pipeline
        Selects the columns, then classifies. It is used alone, or as a branch of a :class:`LateFusionClassifier`, which
        predicts clips with a missing value in these columns by its other branches.

    Raises
    ------
    ValueError
        If ``columns`` is empty or has a name twice.

    See Also
    --------
    LateFusionClassifier : Combine branches.
    join_face_tables : Columns from tables of OpenFace and py-feat.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from savee_mm import ColumnBranch
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(rng.normal(size=(20, 2)), columns=["F0semitone_mean", "loudness_mean"])
    >>> y = np.where(table["loudness_mean"] > 0, "anger", "sadness")
    >>> branch = ColumnBranch(["F0semitone_mean", "loudness_mean"])
    >>> float(branch.fit(table, y).score(table, y)) > 0.9
    True
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Expected one or more names of columns, each once, got {columns!r}.")
    if classifier is None:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    select = ColumnTransformer([("columns", "passthrough", names)], verbose_feature_names_out=False)
    return Pipeline([("select", select), ("classify", clone(classifier))])
