"""The branches of a late fusion as nested parameters: names, estimators, and columns beside them."""

from typing import Any, Self

from sklearn.utils.metaestimators import _BaseComposition

from savee_mm.classifiers.late_fusion._branches import check_branch


class NamedBranches(_BaseComposition):
    """What makes ``estimators``, a list of (name, estimator) or (name, estimator, columns), parameters by name."""

    # Beside the branches in what is told by name.
    _reserved: tuple[str, ...] = ()

    @property
    def _pairs(self):
        """Names and estimators, as scikit-learn's compositions want them."""
        try:
            return [(name, estimator) for name, estimator, *_ in self.estimators]
        except (TypeError, ValueError):
            return self.estimators

    @_pairs.setter
    def _pairs(self, pairs):
        self.estimators = [(*pair, *branch[2:]) for pair, branch in zip(pairs, self.estimators, strict=True)]

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, those of the branches included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the branches by name, and their parameters as ``<branch>__<parameter>``.

        Returns
        -------
        params : dict
        """
        return self._get_params("_pairs", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, of the branches too, or a branch by its name.

        Parameters
        ----------
        **params : dict
            Estimator parameters, ``<branch>`` and ``<branch>__<parameter>`` included.

        Returns
        -------
        self : object
        """
        if "estimators" in params:
            # First: the others may be meant for branches among these.
            self.estimators = params.pop("estimators")
        return self._set_params("_pairs", **params)

    def _check_branches(self):
        """Return the columns of every branch by its name.

        Raises
        ------
        ValueError
            Where ``estimators`` have another form or bad names, or one of them cannot be asked.
        """
        owner = type(self).__name__
        if not self.estimators or not all(isinstance(b, tuple) and len(b) in (2, 3) for b in self.estimators):
            raise ValueError(
                f"{owner} expects as estimators a list of (name, estimator) or (name, estimator, columns), "
                f"got {self.estimators!r}."
            )
        names = [branch[0] for branch in self.estimators]
        self._validate_names(names)
        if taken := sorted(set(names) & set(self._reserved)):
            raise ValueError(f"A branch cannot be called {taken[0]!r}: results bear that name. Choose another.")
        return {branch[0]: check_branch(*branch) for branch in self.estimators}
