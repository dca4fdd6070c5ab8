"""group_importance: permutation importance of groups of features."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state

from savee_mm._composition import chosen

# Parts of feature names after the descriptor: the frames, or the derivative.
_QUALIFIERS = ("loud", "delta")


def group_importance(
    model: Pipeline,
    X: pd.DataFrame,
    y: ArrayLike,
    *,
    group_of: Callable | None = None,
    n_repeats: int = 10,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    """Compute the permutation importance of groups of features: the decrease of accuracy when they are shuffled.

    Features of one kind are correlated, so that shuffling a single one has little effect.

    Parameters
    ----------
    model : Pipeline
        Fitted; its first step has named features, such as :class:`~savee_mm.VoiceFunctionals`.
    X : DataFrame
        Clips that it was not trained on.
    y : array-like of shape (n_clips,)
        Their classes.
    group_of : callable, default=None
        Name of a feature -> name of its group; when None, the part of the name before its number, ``_loud``, ``_delta``
        or statistic: ``mfcc_3_loud_mean`` belongs to ``mfcc``, ``pitch_mean`` to ``pitch``.
    n_repeats : int, default=10
        Number of times that each group is shuffled.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.

    Returns
    -------
    importance : DataFrame
        By group: ``n_features``, ``mean`` and ``std`` of the decrease of accuracy over the repeats; the largest first.

    Raises
    ------
    TypeError
        If the model is not a Pipeline whose first step names its features.

    See Also
    --------
    sklearn.inspection.permutation_importance : The same for single columns.

    References
    ----------
    L. Breiman, "Random forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from savee_mm import group_importance
    >>> y = np.tile(["anger", "sadness"], 50)
    >>> X = pd.DataFrame({"pitch_mean": np.where(y == "anger", 220.0, 180), "rms_mean": np.arange(100.0) % 7})
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> group_importance(model, X, y, random_state=0)["mean"].round(1).to_dict()
    {'pitch': 0.5, 'rms': 0.0}
    """
    model = chosen(model)
    if not isinstance(model, Pipeline) or len(model) < 2 or not hasattr(model[0], "get_feature_names_out"):
        raise TypeError(
            f"group_importance needs a Pipeline whose first step names its features, got {type(model).__name__}; "
            "explain is for models that read images."
        )
    check_consistent_length(X, y)
    values, y = model[0].transform(X), np.asarray(y)
    names = model[0].get_feature_names_out()
    groups = pd.Series([(group_of or _stem)(name) for name in names])
    rng = check_random_state(random_state)
    classifier = model[1:]
    score = np.mean(classifier.predict(values) == y)
    drops = {
        group: [score - _shuffled_score(classifier, values, y, columns, rng) for _ in range(n_repeats)]
        for group, columns in groups.groupby(groups).indices.items()
    }
    table = pd.DataFrame(
        {
            "n_features": groups.value_counts(),
            "mean": {group: np.mean(drop) for group, drop in drops.items()},
            "std": {group: np.std(drop) for group, drop in drops.items()},
        }
    )
    return table.rename_axis("group").sort_values("mean", ascending=False, kind="stable")


def _shuffled_score(classifier, values, y, columns, rng):
    """Return the accuracy with some columns permuted together."""
    shuffled = np.array(values)
    shuffled[:, columns] = shuffled[np.ix_(rng.permutation(len(shuffled)), columns)]
    if isinstance(values, pd.DataFrame):
        shuffled = pd.DataFrame(shuffled, index=values.index, columns=values.columns)
    return np.mean(classifier.predict(shuffled) == y)


def _stem(name):
    """Return the name of a feature without frame, number, part of the clip and statistic."""
    whole, frame = re.fullmatch(r"(.*?)(__t\d+)?", str(name)).groups()
    whole = whole.split("__")[-1]
    if frame:
        return whole
    parts = whole.split("_")
    ends = [i for i, part in enumerate(parts) if i and (part[:1].isdigit() or part in _QUALIFIERS)]
    return "_".join(parts[: ends[0]] if ends else parts[:-1] or parts)
