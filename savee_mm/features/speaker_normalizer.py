"""SpeakerNormalizer: what a clip is beside the other clips of its speaker."""

from numbers import Integral
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from savee_mm._validation import are_recordings, names_in

# Of a mean in double precision, over any number of clips that there are.
_ROUNDING = 1e-12


def _names_columns(normalizer):
    return hasattr(normalizer.extractor, "get_feature_names_out")


class SpeakerNormalizer(TransformerMixin, BaseEstimator):
    """Zero mean and unit deviation of every feature over the clips of each speaker.

    Wraps an extractor and reads the column ``speaker`` of the table. A speaker of the training clips is normalised by
    the statistics of those clips, and one who was enrolled (:meth:`fit_speaker`) by those of the enrolment. Anybody
    else is normalised by the clips of the table that is transformed, where it has ``min_clips`` of the same speaker,
    and by the training statistics where it has fewer or does not name the speaker.

    Where a test speaker's clips are normalised together, each prediction uses the other, unlabelled clips of that
    speaker: figures so obtained are *transductive* and are to be called so.

    Parameters
    ----------
    extractor : transformer
        Clip table -> array of shape (n_clips, n_features), or pictures of shape (n_clips, n_rows, n_frames,
        n_channels), whose rows are normalised; frames that are zero in every row are padding and stay so.
    min_clips : int, default=8
        Fewest clips by which somebody is normalised who was in training or is in the table.

    Attributes
    ----------
    extractor_ : transformer
        The fitted extractor.
    speakers_ : dict of str to (ndarray, ndarray)
        Mean and deviation by speaker, for those with ``min_clips`` training clips and those who were enrolled.
    mean_, scale_ : ndarray of shape (n_features,) or (n_rows,)
        Mean of the training clips, and deviation within their speakers.

    Notes
    -----
    Augmented copies are normalised as their recordings are, and count in no statistics.

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
    }

    def __init__(self, extractor: BaseEstimator, *, min_clips: int = 8) -> None:
        self.extractor = extractor
        self.min_clips = min_clips

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:
        """Fit the extractor and learn the statistics of the training speakers.

        Parameters
        ----------
        X : DataFrame
            Clip table with the column ``speaker`` and what the extractor reads.
        y : array-like of shape (n_clips,), default=None
            Passed on to the extractor.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            Where X is no table with a speaker for every clip.
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
                "leave them out."
            )
        self.extractor_ = clone(self.extractor)
        values = _as_floats(self.extractor_.fit_transform(X, y))
        recordings = are_recordings(X)
        if not recordings.any():
            raise ValueError(f"All {len(X)} training clips are augmented copies; statistics are those of recordings.")
        self._learn(values[recordings], speakers[recordings])
        return self._normalize(values, speakers, recordings)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Extract and normalise every clip of X.

        Parameters
        ----------
        X : DataFrame
            Clip table; without a column ``speaker`` nobody in it is known.

        Returns
        -------
        X_out : ndarray of the extractor's shape
        """
        check_is_fitted(self)
        speakers = _check_speakers(X, needed=False)
        return self._normalize(_as_floats(self.extractor_.transform(X)), speakers, are_recordings(X))

    def fit_speaker(self, X: pd.DataFrame) -> Self:
        """Enrol new speakers by some of their clips, without labels; who is known already is learnt anew.

        Parameters
        ----------
        X : DataFrame
            Clip table of the enrolment, with the column ``speaker``. Of fewer than ``min_clips`` clips only the mean is
            taken, and the deviation of the training.

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
        input_features : ignored

        Returns
        -------
        names : ndarray of str of shape (n_features,)
        """
        check_is_fitted(self)
        return self.extractor_.get_feature_names_out()

    @property
    def report_(self):
        """The clips of the extractor's last call that could not be used."""
        check_is_fitted(self)
        return self.extractor_.report_

    def _learn(self, values, speakers):
        """Learn the statistics of each speaker with enough clips, and those of the training as a whole."""
        self.mean_, self.scale_ = _mean_and_scale(values)
        clips = {speaker: values[speakers == speaker] for speaker in pd.unique(speakers)}
        variances = [_mean_and_scale(own)[1] ** 2 for own in clips.values()]
        pooled = np.sqrt(np.average(variances, axis=0, weights=[len(own) for own in clips.values()]))
        self.scale_ = np.where(pooled > 0, pooled, np.where(self.scale_ > 0, self.scale_, 1.0))
        self.speakers_ = {
            speaker: self._statistics(own) for speaker, own in clips.items() if len(own) >= self.min_clips
        }

    def _statistics(self, values):
        """Return mean and deviation; what is constant has the deviation of the training."""
        mean, scale = _mean_and_scale(values)
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
    """Return the speaker of every clip, None where it is not known."""
    if not isinstance(X, pd.DataFrame):
        raise ValueError(f"SpeakerNormalizer reads a clip table (DataFrame), got {type(X).__name__}.")
    if needed and "speaker" not in X.columns:
        raise ValueError(
            f"SpeakerNormalizer needs the column 'speaker', and the clip table has none; its columns are "
            f"{list(map(str, X.columns))}."
        )
    return names_in(X, "speaker")


def _as_floats(values):
    """Return what an extractor gave as an array whose quotients are not cut to whole numbers."""
    values = np.asarray(values)
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _mean_and_scale(values):
    """Return mean and deviation by feature, or of pictures by row over the frames that are no padding."""
    if values.ndim > 2:
        values = np.moveaxis(values, 1, -1)
        values = values[values.any(axis=-1)]
    mean, scale = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    # Of a constant, rounding is left.
    return mean, np.where(scale > _ROUNDING * np.abs(mean), scale, 0.0)


def _apply(values, mean, scale):
    if values.ndim == 2:
        return (values - mean) / scale
    shape = (1, -1, *[1] * (values.ndim - 2))
    padding = ~values.any(axis=1, keepdims=True)
    return np.where(padding, 0, (values - mean.reshape(shape)) / scale.reshape(shape)).astype(values.dtype)
