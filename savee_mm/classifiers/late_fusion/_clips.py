"""The clip table of a late fusion, read once into a record."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from savee_mm._validation import are_recordings, clip_names, names_in
from savee_mm.classifiers._inner_split import inner_folds, splits_groups
from savee_mm.model_selection._labels import check_labels
from savee_mm.model_selection.speaker_or_clip import text_folds


@dataclass(frozen=True)
class Clips:
    """Clips to predict.

    Attributes
    ----------
    table : DataFrame
        The clip table.
    present : ndarray of bool of shape (n_branches, n_clips)
        Whether a clip has values in all columns that a branch reads.
    names : ndarray of object of shape (n_clips,)
        Names of the clips.
    speakers : ndarray of object of shape (n_clips,)
        Names of their speakers, as str; None where missing.
    recordings : ndarray of bool of shape (n_clips,)
        False for augmented copies.
    """

    table: pd.DataFrame
    present: np.ndarray
    names: np.ndarray
    speakers: np.ndarray
    recordings: np.ndarray

    def unseen_speakers(self, seen=()):
        """Return the speakers of recordings by speakers who were not seen in training.

        Parameters
        ----------
        seen : collection of str
            Speakers seen in training.

        Returns
        -------
        speakers : ndarray of object of shape (n_clips,)
            None for a seen or missing speaker, and for an augmented copy: it would be predicted from its recording.
        """
        clips = zip(self.speakers, self.recordings, strict=True)
        names = [name if is_recording and name not in seen else None for name, is_recording in clips]
        return np.array(names, dtype=object)


@dataclass(frozen=True)
class TrainingClips(Clips):
    """Clips to train on.

    Attributes
    ----------
    y : ndarray of shape (n_clips,)
        Class labels.
    weights : ndarray of shape (n_clips,)
        Sample weights, ones where none were given.
    weighted : bool
        Whether sample weights were given.
    folds : ndarray of int of shape (n_clips,)
        Inner fold of each clip.
    unseen_in_fold : ndarray of object of shape (n_clips,)
        As :meth:`unseen_speakers`, to branches that are fitted to the other folds; all None where the clips of a
        speaker are in several folds.
    texts : ndarray of int of shape (n_clips,)
        Inner fold of the text of each clip; all 0 where texts are not left out.
    """

    y: np.ndarray
    weights: np.ndarray
    weighted: bool
    folds: np.ndarray
    unseen_in_fold: np.ndarray
    texts: np.ndarray

    @property
    def cells(self):
        """The cell of each clip: its inner fold, divided by its fold of texts."""
        return self.folds * (self.texts.max() + 1) + self.texts

    def outside(self, cell):
        """Return which clips share neither inner fold nor text with a cell."""
        n_texts = self.texts.max() + 1
        fold, text = divmod(cell, n_texts)
        return (self.folds != fold) & ((self.texts != text) | (n_texts == 1))

    @property
    def seen_speakers(self):
        """Sorted names of the speakers of clips with a weight above 0."""
        return sorted(set(self.speakers[self.weights > 0]) - {None})


def read_clips(table, columns):
    """Read a table that is predicted.

    Parameters
    ----------
    table : DataFrame
        The clip table.
    columns : dict of str to list of str
        Columns that each branch reads.

    Returns
    -------
    clips : Clips

    Raises
    ------
    ValueError
        Where it is no table, or an empty one.
    """
    if not isinstance(table, pd.DataFrame) or not len(table):
        came = "an empty one" if isinstance(table, pd.DataFrame) else type(table).__name__
        raise ValueError(
            f"LateFusionClassifier reads a clip table (DataFrame), got {came}. load_savee and load_table make one; "
            "columns of numbers can be added to it."
        )
    present = np.array([clips_present(table, own) for own in columns.values()])
    names = np.array(clip_names(table), dtype=object)
    return Clips(table, present, names, names_in(table, "speaker"), are_recordings(table))


def read_training_clips(
    table,
    y,
    columns,
    *,
    sample_weight=None,
    inner_groups="speaker",
    n_inner_folds=5,
    groups=None,
    adapt_speakers=False,
    unseen_texts=False,
):
    """Read a table that is trained on, and divide it into inner folds.

    Parameters
    ----------
    table, y, columns, sample_weight, inner_groups, n_inner_folds, groups, adapt_speakers, unseen_texts : object
        As of :func:`read_clips` and :class:`LateFusionClassifier`.

    Returns
    -------
    clips : TrainingClips

    Raises
    ------
    ValueError
        As in :meth:`LateFusionClassifier.fit`.
    """
    clips = read_clips(table, columns)
    y = check_labels(y, "LateFusionClassifier")
    check_consistent_length(table, y, sample_weight, groups)
    weights = _check_sample_weight(sample_weight, table, dtype=np.float64, ensure_non_negative=True)
    if adapt_speakers and None in clips.speakers[weights > 0]:
        raise ValueError(
            "adapt_speakers=True needs to know which speakers are unseen; fill the column 'speaker' of every training "
            "clip, or leave adapt_speakers out."
        )
    unseen = clips.unseen_speakers()
    folds = inner_folds(table, y, column=inner_groups, n_splits=n_inner_folds, groups=groups)
    if splits_groups(folds, unseen):
        unseen = np.full(len(table), None)
    return TrainingClips(
        **vars(clips),
        y=y,
        weights=weights,
        weighted=sample_weight is not None,
        folds=folds,
        unseen_in_fold=unseen,
        texts=text_folds(table, y) if unseen_texts else np.zeros(len(table), dtype=int),
    )


def clips_present(table, columns):
    """Return which clips have a value in every one of some columns.

    Parameters
    ----------
    table : DataFrame
        Clip table.
    columns : list of str
        Columns; in one that is missing from the table, no clip has a value.

    Returns
    -------
    present : ndarray of bool of shape (n_clips,)
    """
    if any(column not in table.columns for column in columns):
        return np.zeros(len(table), bool)
    present = np.ones(len(table), bool)
    for column in columns:
        values = table[column]
        present &= (values.notna() & (values.astype(object) != "")).to_numpy(dtype=bool)
    return present
