"""DenseClassifier: emotion from columns of features."""

from numbers import Integral
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from savee_mm._docstrings import shared_docs
from savee_mm.classifiers._keras_base import NetworkClassifier
from savee_mm.model_selection._labels import check_labels


@shared_docs
class DenseClassifier(NetworkClassifier):
    """Dense network over columns of features, such as those of an extractor.

    The columns are not scaled. Features of the voice differ in scale by many orders of magnitude, so put a
    :class:`~sklearn.preprocessing.StandardScaler` before it in a pipeline.

    Parameters
    ----------
    n_units : int or tuple of int, default=128
        Number of units of the hidden layer, or of each of several hidden layers.
    epochs : int, default=60
        Number of passes over the training clips, at most. The learning rate decays to zero over them (half a cosine).
    %(batch_size)s
    learning_rate : float, default=1e-3
        Initial learning rate of Adam.
    l2 : float, default=1e-4
        Weight of the squared kernels in the loss.
    dropout : float, default=0.3
        Fraction of the units dropped in a training step, after every hidden layer.
    %(max_norm)s
    %(class_weight)s
    %(early_stopping)s
    %(network_state)s

    Attributes
    ----------
    %(trained_network)s
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns; defined if X is a DataFrame with string column names only.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from savee_mm import DenseClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = make_pipeline(StandardScaler(), DenseClassifier(learning_rate=1e-2, epochs=30, random_state=0)).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _parameter_constraints = {
        **NetworkClassifier._parameter_constraints,
        "n_units": [Interval(Integral, 1, None, closed="left"), tuple, list],
    }

    def __init__(
        self,
        *,
        n_units: int | tuple[int, ...] = 128,
        epochs: int = 60,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        l2: float = 1e-4,
        dropout: float = 0.3,
        max_norm: float | None = None,
        class_weight: Literal["balanced"] | dict | None = "balanced",
        early_stopping: bool = False,
        patience: int = 10,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_units = n_units
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.l2 = l2
        self.dropout = dropout
        self.max_norm = max_norm
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    @shared_docs
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
            Columns of features.
        y : array-like of shape (n_clips,)
            Class labels.
        %(network_fit)s

        Returns
        -------
        self : object

        Raises
        ------
        %(network_fit_raises)s
        """
        self._validate_params()
        self._sizes()
        X, y = validate_data(self, X, y, dtype=np.float32)
        y = check_labels(y, type(self).__name__)
        self._fit_network((X,), y, sample_weight, self._check_validation(validation_data, self._check))
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
            Columns of features.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._predict_network((self._check(X),))

    def _check(self, X):
        return validate_data(self, X, dtype=np.float32, reset=False)

    def _sizes(self):
        """Return ``n_units`` as a tuple with the size of each hidden layer."""
        sizes = (self.n_units,) if isinstance(self.n_units, Integral) else tuple(self.n_units)
        if not sizes or not all(isinstance(n, Integral) and n > 0 for n in sizes):
            raise ValueError(
                "The 'n_units' parameter of DenseClassifier must be a positive int or a tuple of positive ints. "
                f"Got {self.n_units!r} instead."
            )
        return sizes

    def _build(self, shapes, n_classes, rules):
        from savee_mm.networks.dense import build_dense

        return build_dense(shapes[0][0], n_classes, n_units=self._sizes(), rules=rules)
