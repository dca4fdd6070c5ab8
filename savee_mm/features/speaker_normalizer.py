"""SpeakerNormalizer: features relative to the other clips of the same speaker."""

from numbers import Integral
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import are_recordings, as_table, names_in

# Relative rounding error of a mean in double precision.
_ROUNDING = 1e-12


def _names_columns(normalizer):
    return hasattr(normalizer.extractor, "get_feature_names_out")


class SpeakerNormalizer(TransformerMixin, BaseEstimator):
    """Scale each feature to zero mean and unit variance over the clips of each speaker.

    Wraps an extractor and reads the column ``speaker`` of the table. A seen speaker is normalized by the statistics of
    their training clips, and an enrolled speaker (:meth:`fit_speaker`) by those of their enrolment clips. An unseen
    speaker is normalized by the clips of the table passed to ``transform`` if it has ``min_clips`` clips of that
    speaker, otherwise by the training statistics, as is a clip without a speaker.

    If the clips of a test speaker are normalized together, each prediction uses the other, unlabelled clips of that
    speaker. Report such results as *transductive*.

    Parameters
    ----------
    extractor : transformer
        Maps a clip table to an array of shape (n_clips, n_features), or to images of shape (n_clips, n_rows, n_frames,
        n_channels), which are normalized by row. Frames with zeros in all rows are padding and stay zero.
    min_clips : int, default=8
        Minimum number of clips of a speaker, in training or in the table, for statistics of that speaker.
    class_balanced : bool, default=False
        Whether every class of a training speaker has the same weight in the statistics of that speaker. Otherwise the
        features depend on how many clips of each class a speaker has, which differs between corpora. Statistics in
        ``transform`` never use labels.

    Attributes
    ----------
    extractor_ : transformer
        The fitted extractor.
    speakers_ : dict of str to (ndarray, ndarray)
        Mean and standard deviation for each speaker with ``min_clips`` training clips and each enrolled speaker.
    mean_, scale_ : ndarray of shape (n_features,) or (n_rows,)
        Mean of the training clips, and their pooled standard deviation within speakers.

    Notes
    -----
    Augmented copies are normalized like their recordings and do not count in statistics.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from savee_mm import SpeakerNormalizer
    >>> pitch = FunctionTransformer(lambda table: table[["pitch"]].to_numpy())
    >>> table = pd.DataFrame({"speaker": list("AAABBB"), "pitch": [99.0, 100, 101, 198, 200, 202]})
    >>> SpeakerNormalizer(pitch, min_clips=3).fit_transform(table).round(1).ravel().tolist()
    [-1.2, 0.0, 1.2, -1.2, 0.0, 1.2]
    """

    _parameter_constraints = {
        "extractor": [HasMethods(["fit_transform", "transform"])],
        "min_clips": [Interval(Integral, 2, None, closed="left")],
        "class_balanced": ["boolean"],
    }

    def __init__(self, extractor: BaseEstimator, *, min_clips: int = 8, class_balanced: bool = False) -> None:
        self.extractor = extractor
        self.min_clips = min_clips
        self.class_balanced = class_balanced

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:
        """Fit the extractor and learn the statistics of the training speakers.

        Parameters
        ----------
        X : DataFrame
            Clip table with the column ``speaker`` and the columns that the extractor reads.
        y : array-like of shape (n_clips,), default=None
            Passed to the extractor; required with ``class_balanced``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If X is not a table with a speaker for each clip, all clips are augmented copies, or ``class_balanced`` has
            no y.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Fit and transform with a single pass over the clips."""
        self._validate_params()
        speakers = _check_speakers(X)
        if pd.isna(speakers).any():
            raise ValueError(
                f"{pd.isna(speakers).sum()} of {len(X)} training clips have no speaker; fill the column 'speaker', or "
                "leave these clips out."
            )
        self.extractor_ = clone(self.extractor)
        values = _as_floats(self.extractor_.fit_transform(X, y))
        recordings = are_recordings(X)
        if not recordings.any():
            raise ValueError(f"All {len(X)} training clips are augmented copies; statistics need recordings.")
        weights = _class_weights(y, speakers, recordings) if self.class_balanced else np.ones(len(X))
        self._learn(values[recordings], speakers[recordings], weights[recordings])
        return self._normalize(values, speakers, recordings)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Extract and normalize the features of each clip.

        Parameters
        ----------
        X : DataFrame
            Clip table. Without a column ``speaker`` the training statistics are used.

        Returns
        -------
        X_out : ndarray of the extractor's shape
        """
        check_is_fitted(self)
        speakers = _check_speakers(X, needed=False)
        return self._normalize(_as_floats(self.extractor_.transform(X)), speakers, are_recordings(X))

    def fit_speaker(self, X: pd.DataFrame) -> Self:
        """Enrol speakers by some of their clips, without labels. Statistics of a known speaker are replaced.

        Parameters
        ----------
        X : DataFrame
            Enrolment clips, with the column ``speaker``. With fewer than ``min_clips`` clips the mean is that of the
            clips, and the standard deviation that of the training.

        Returns
        -------
        self : object
        """
        check_is_fitted(self)
        speakers = _check_speakers(X)
        values = _as_floats(self.extractor_.transform(X))
        recordings = are_recordings(X)
        for speaker in pd.unique(speakers[recordings & ~pd.isna(speakers)]):
            own = recordings & (speakers == speaker)
            mean, scale = self._statistics(values[own])
            known = np.count_nonzero(own) >= self.min_clips
            self.speakers_[speaker] = (mean, scale if known else self.scale_)
        return self

    @available_if(_names_columns)
    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : Ignored

        Returns
        -------
        names : ndarray of str of shape (n_features,)
        """
        check_is_fitted(self)
        return self.extractor_.get_feature_names_out()

    @property
    def failed_clips_(self):
        """Clips of the last call of the extractor that could not be used."""
        check_is_fitted(self)
        return self.extractor_.failed_clips_

    def _learn(self, values, speakers, weights):
        """Learn the statistics of each speaker with enough clips, and of all training clips."""
        self.mean_, self.scale_ = _mean_and_scale(values, weights)
        rows = {speaker: speakers == speaker for speaker in pd.unique(speakers)}
        variances = [_mean_and_scale(values[own], weights[own])[1] ** 2 for own in rows.values()]
        pooled = np.sqrt(np.average(variances, axis=0, weights=[np.count_nonzero(own) for own in rows.values()]))
        self.scale_ = np.where(pooled > 0, pooled, np.where(self.scale_ > 0, self.scale_, 1.0))
        self.speakers_ = {
            speaker: self._statistics(values[own], weights[own])
            for speaker, own in rows.items()
            if np.count_nonzero(own) >= self.min_clips
        }

    def _statistics(self, values, weights=None):
        """Return mean and standard deviation, for a constant feature that of the training."""
        mean, scale = _mean_and_scale(values, weights)
        return mean, np.where(scale > 1e-9 * self.scale_, scale, self.scale_)

    def _normalize(self, values, speakers, recordings):
        out = np.empty_like(values)
        for speaker in pd.unique(speakers):
            rows = pd.isna(speakers) if pd.isna(speaker) else speakers == speaker
            own = rows & recordings
            if speaker in self.speakers_:
                mean, scale = self.speakers_[speaker]
            elif not pd.isna(speaker) and np.count_nonzero(own) >= self.min_clips:
                mean, scale = self._statistics(values[own])
            else:
                mean, scale = self.mean_, self.scale_
            out[rows] = _apply(values[rows], mean, scale)
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _check_speakers(X, *, needed=True):
    """Return the speaker of each clip, None where missing."""
    X = as_table(X)
    if not isinstance(X, pd.DataFrame):
        raise ValueError(f"SpeakerNormalizer reads a clip table (DataFrame), got {type(X).__name__}.")
    if needed and "speaker" not in X.columns:
        raise ValueError(
            "SpeakerNormalizer needs the column 'speaker', and the clip table lacks it; its columns are "
            f"{list(map(str, X.columns))}."
        )
    return names_in(X, "speaker")


def _as_floats(values):
    """Return the features as a floating-point array."""
    values = np.asarray(values)
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _class_weights(y, speakers, recordings):
    """Return weights under which the recordings of all classes of a speaker count the same."""
    if y is None:
        raise ValueError("SpeakerNormalizer(class_balanced=True) needs the classes: pass y to fit.")
    y = np.asarray(y)
    cells = pd.MultiIndex.from_arrays([speakers, y])
    counts = cells[recordings].value_counts()
    return 1 / counts.reindex(cells).fillna(1).to_numpy(dtype=float)


def _mean_and_scale(values, weights=None):
    """Return mean and standard deviation of each feature, or of each row of images without padding."""
    if values.ndim > 2:
        values = np.moveaxis(values, 1, -1)
        present = values.any(axis=-1)
        if weights is not None:
            weights = np.broadcast_to(weights.reshape(-1, *[1] * (present.ndim - 1)), present.shape)[present]
        values = values[present]
    if weights is None or np.ptp(weights) == 0:
        mean, scale = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    else:
        mean = np.average(values, axis=0, weights=weights)
        scale = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    # The deviation of a constant is a rounding error.
    return mean, np.where(scale > _ROUNDING * np.abs(mean), scale, 0.0)


def _apply(values, mean, scale):
    if values.ndim == 2:
        return (values - mean) / scale
    shape = (1, -1, *[1] * (values.ndim - 2))
    padding = ~values.any(axis=1, keepdims=True)
    return np.where(padding, 0, (values - mean.reshape(shape)) / scale.reshape(shape)).astype(values.dtype)
