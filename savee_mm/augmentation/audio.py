"""AudioAugmenter: copies of the training clips with modified sound."""

from hashlib import blake2b
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length

from savee_mm._validation import RECIPE_COLUMN, as_table, clip_names, recipe_or_none
from savee_mm.signal import format_recipe
from savee_mm.signal.augment import DECIBELS, DEPTHS
from savee_mm.signal.stretch import RATES, SEMITONES

# Transformations with a range, in the order of a recipe: parameter of the estimator, step of the recipe and its
# parameter, limits of the range, and decimals (finer than audible).
_DRAWN = (
    ("stretch_rate", "time_stretch", "rate", RATES, 4),
    ("semitones", "pitch_shift", "n_steps", SEMITONES, 3),
    ("equalizer", "equalize", "depth", DEPTHS, 2),
    ("snr_db", "add_noise", "snr", DECIBELS, 2),
    ("gain", "apply_gain", "gain", DECIBELS, 2),
)
_SEEDED = ("equalize", "add_noise")


class AudioAugmenter(BaseEstimator):
    """Augment clips by copies with changed tempo, pitch, level, timbre or polarity, or with noise.

    A sampler, not a transformer: as the first step of an :class:`imblearn.pipeline.Pipeline` it changes the training
    clips only. It adds rows to the table and reads no file; the column ``augmentation`` has the recipe that extractors
    apply to the sound of a copy (None: the recording itself). The recipe depends on ``random_state``, ``clip_id`` and
    the number of the copy only, so that a clip has the same copies in every fold and the cache of the extractors can be
    used. The video of a copy is that of its clip.

    Parameters
    ----------
    n_copies : int, default=1
        Number of copies of each clip.
    snr_db : tuple of two floats or None, default=(10, 30)
        Range of the signal-to-noise ratio of white noise (dB). Here and below, None disables the transformation.
    semitones : tuple of two floats or None, default=(-2, 2)
        Range of the pitch shift (semitones).
    stretch_rate : tuple of two floats or None, default=(0.85, 1.15)
        Range of the tempo factor; above 1 is faster.
    gain : tuple of two floats or None, default=(-6, 6)
        Range of the gain (dB).
    polarity : bool, default=True
        Whether the polarity may be inverted.
    equalizer : tuple of two floats or None, default=None
        Range of the depth (dB) of random equalization, :func:`savee_mm.signal.equalize`, which simulates other
        microphones and acoustics.
    probability : float, default=0.5
        Probability of each transformation in a copy. A copy without any gets one of them, all with equal probability.
    random_state : int, RandomState instance or None, default=None
        Seed of the recipes. An int gives the same copies in every call; an instance is used for one seed per call; None
        takes a seed from the operating system, not from numpy's global state.

    See Also
    --------
    savee_mm.signal.apply_recipe : Applies the recipe of a copy.
    savee_mm.ClipGroupKFold : Keeps clips and their copies in the same fold.

    Notes
    -----
    A table that is augmented before it is split must be split by clip: copies have the ``clip_id`` of their clip. Other
    arrays, such as ``groups`` and sample weights, are not resampled.

    References
    ----------
    T. Ko, V. Peddinti, D. Povey, S. Khudanpur, "Audio augmentation for speech recognition", Proc. Interspeech 2015,
    pp. 3586-3589.

    Examples
    --------
    >>> import pandas as pd
    >>> from savee_mm import AudioAugmenter
    >>> table = pd.DataFrame({"audio": ["DC/a01.wav", "KL/n07.wav"], "clip_id": ["DC_a01", "KL_n07"]})
    >>> more, y = AudioAugmenter(semitones=None, stretch_rate=None, random_state=0).fit_resample(table, ["a", "n"])
    >>> more["clip_id"].tolist(), y
    (['DC_a01', 'KL_n07', 'DC_a01', 'KL_n07'], ['a', 'n', 'a', 'n'])
    """

    _parameter_constraints = {
        "n_copies": [Interval(Integral, 0, None, closed="left")],
        "snr_db": ["array-like", None],
        "semitones": ["array-like", None],
        "stretch_rate": ["array-like", None],
        "gain": ["array-like", None],
        "polarity": ["boolean"],
        "equalizer": ["array-like", None],
        "probability": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_copies: int = 1,
        snr_db: tuple[float, float] | None = (10, 30),
        semitones: tuple[float, float] | None = (-2, 2),
        stretch_rate: tuple[float, float] | None = (0.85, 1.15),
        gain: tuple[float, float] | None = (-6, 6),
        polarity: bool = True,
        equalizer: tuple[float, float] | None = None,
        probability: float = 0.5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_copies = n_copies
        self.snr_db = snr_db
        self.semitones = semitones
        self.stretch_rate = stretch_rate
        self.gain = gain
        self.polarity = polarity
        self.equalizer = equalizer
        self.probability = probability
        self.random_state = random_state

    def fit_resample(self, X: pd.DataFrame, y: ArrayLike) -> tuple[pd.DataFrame, ArrayLike]:
        """Return the training clips and their copies.

        Parameters
        ----------
        X : DataFrame
            The clip table, with the column ``audio``.
        y : array-like of shape (n_clips,)
            The classes.

        Returns
        -------
        X_out : DataFrame
            As returned by :meth:`augment`.
        y_out : array-like of shape (n_clips * (1 + n_copies),)
            The classes of the rows of ``X_out``, in the type of ``y``.

        Raises
        ------
        ValueError
            As for :meth:`augment`, or if ``y`` has another length.
        """
        X = as_table(X)
        check_consistent_length(X, y)
        X_out = self.augment(X)
        y_out = _safe_indexing(y, np.arange(len(X_out)) % len(X))
        return X_out, y_out.reset_index(drop=True) if isinstance(y_out, (pd.Series, pd.DataFrame)) else y_out

    def augment(self, table: pd.DataFrame, n_copies: int | None = None) -> pd.DataFrame:
        """Return a clip table with copies of its clips.

        Parameters
        ----------
        table : DataFrame
            The clip table, with the column ``audio``.
        n_copies : int, default=None
            Number of copies of each clip; that of the constructor if None.

        Returns
        -------
        augmented : DataFrame
            The rows of ``table`` in their order, then all of them again for each copy, with a new index from 0. Columns
            are those of ``table``, ``clip_id`` (the stem of the audio file if ``table`` has no such column), and
            ``augmentation``.

        Raises
        ------
        ValueError
            If ``table`` is not a clip table, is empty, or contains copies. Augment the recordings with a larger
            ``n_copies`` instead: copies of copies would not be independent.
        """
        self._validate_params()
        ranges = self._ranges()
        n_copies = self.n_copies if n_copies is None else n_copies
        if not isinstance(n_copies, Integral) or n_copies < 0:
            raise ValueError(f"n_copies must be a whole number from 0, or None, got {n_copies!r}.")
        if n_copies and not ranges and not self.polarity:
            raise ValueError(
                "AudioAugmenter changes nothing in its copies: set a range for one of "
                f"{', '.join(parameter for parameter, *_ in _DRAWN)}, set polarity=True, or set n_copies=0."
            )
        names = _checked_names(table)
        seed = self._seed()
        recipes = [self._draw(ranges, seed, name, copy) for copy in range(n_copies) for name in names]
        augmented = table.iloc[np.arange(len(table) * (1 + n_copies)) % len(table)].reset_index(drop=True)
        if "clip_id" not in table.columns:
            augmented["clip_id"] = names * (1 + n_copies)
        # dtype=object keeps None in all versions of pandas.
        augmented[RECIPE_COLUMN] = pd.Series([None] * len(table) + recipes, index=augmented.index, dtype=object)
        return augmented

    def _ranges(self):
        """Return the ranges that are not None, checked, by parameter."""
        return {
            parameter: _checked_range(parameter, getattr(self, parameter), limits)
            for parameter, _, _, limits, _ in _DRAWN
            if getattr(self, parameter) is not None
        }

    def _seed(self):
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        if self.random_state is None:
            return int(np.random.SeedSequence().generate_state(1)[0])
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _draw(self, ranges, seed, name, copy):
        """Return the recipe of one copy of one clip."""
        rng = _generator(seed, name, copy)
        # All numbers are drawn, used or not: disabling one transformation does not change the others.
        names = (*(parameter for parameter, *_ in _DRAWN), "polarity")
        lots = dict(zip(names, rng.random(len(names)), strict=True))
        shares, seeds = rng.random(len(_DRAWN)), rng.integers(2**32, size=len(_DRAWN))
        enabled = {*ranges, *(["polarity"] if self.polarity else [])}
        chosen = {parameter for parameter in enabled if lots[parameter] < self.probability}
        # The smallest of several uniform numbers is each of them with equal probability.
        chosen = chosen or {min(enabled, key=lots.get)}
        steps = []
        for (parameter, kernel, argument, _, decimals), share, seed_of_step in zip(_DRAWN, shares, seeds, strict=True):
            if parameter in chosen:
                arguments = {argument: _between(*ranges[parameter], share, decimals)}
                steps.append((kernel, arguments | ({"seed": int(seed_of_step)} if kernel in _SEEDED else {})))
        if "polarity" in chosen:
            steps.append(("invert_polarity", {}))
        return format_recipe(steps)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _generator(seed, name, copy):
    """Return a generator that depends on the arguments only, in any process."""
    # The hash of str objects differs between processes.
    words = np.frombuffer(blake2b(name.encode(), digest_size=16).digest(), dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist(), copy]))


def _checked_names(table):
    """Return the names of the clips of a table to be augmented, or raise ValueError."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"AudioAugmenter expects a clip table (DataFrame with a column 'audio'), got {type(table).__name__}. "
            "Put it before the extractor."
        )
    if "audio" not in table.columns:
        raise ValueError(
            f"The clip table has no column 'audio'; its columns are {list(map(str, table.columns))}. "
            "Add one with the path of each clip's audio file."
        )
    if not len(table):
        raise ValueError("Expected at least one clip, got an empty DataFrame.")
    names = clip_names(table, "audio")
    entries = table[RECIPE_COLUMN] if RECIPE_COLUMN in table.columns else ()
    augmented = [name for name, entry in zip(names, entries, strict=False) if recipe_or_none(entry, name)]
    if augmented:
        raise ValueError(
            f"{len(augmented)} of {len(table)} rows of the clip table are already augmented (column "
            f"{RECIPE_COLUMN!r}), the first one for clip {augmented[0]!r}. Augment the recordings once, with the "
            "n_copies that you need."
        )
    return names


def _checked_range(parameter, value, limits):
    """Return a range as two floats, or raise ValueError."""
    pair = list(value)
    is_pair = len(pair) == 2 and all(isinstance(end, Real) and not isinstance(end, bool) for end in pair)
    if not is_pair or not limits[0] <= pair[0] <= pair[1] <= limits[1]:
        raise ValueError(
            f"The {parameter!r} parameter of AudioAugmenter must be None or two numbers, (low, high) with "
            f"{limits[0]:g} <= low <= high <= {limits[1]:g}. Got {value!r} instead."
        )
    return float(pair[0]), float(pair[1])


def _between(low, high, share, decimals):
    """Return ``low + share * (high - low)``, rounded but within the range."""
    # Adding 0 converts -0 to 0.
    return float(min(max(round(low + share * (high - low), decimals), low), high)) + 0.0
