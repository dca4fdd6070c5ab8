"""Accuracy of the sentence alone: a reference for scores on unseen speakers who read a common list."""

import numpy as np
import pandas as pd

from savee_mm.evaluation._predictions import clip_codes


def sentence_accuracy(rows):
    """Return the accuracy of predicting the most frequent class of each sentence among other speakers.

    Parameters
    ----------
    rows : DataFrame
        Predictions of one system in one protocol.

    Returns
    -------
    accuracy : Series
        By ``seed`` and ``fold``. Empty unless the protocol is by speaker (several folds, and no speaker in two of
        them) and the clips have several sentences.

    Notes
    -----
    If speakers read one list of sentences, most of them in one emotion, the sentence predicts the emotion without any
    signal. On SAVEE, this reference has an accuracy of .750. Of equally frequent classes, the one with more clips among
    other speakers is predicted; so is the most frequent class for a sentence that no other speaker reads.
    """
    if "sentence" not in rows or rows["sentence"].nunique() < 2 or not _is_by_speaker(rows):
        return pd.Series(dtype=float)
    codes, _ = clip_codes(rows)
    clips = rows.iloc[np.unique(codes, return_index=True)[1]]
    names = clips[["speaker", "sentence", "target"]]
    (speaker, _), (sentence, _), (target, _) = (
        pd.factorize(names[column], use_na_sentinel=column == "sentence") for column in names
    )
    counts = np.zeros((speaker.max() + 1, sentence.max() + 1, target.max() + 1))
    known = sentence >= 0
    np.add.at(counts, (speaker[known], sentence[known], target[known]), 1)
    totals = np.zeros((len(counts), counts.shape[2]))
    np.add.at(totals, (speaker, target), 1)
    of_others = (counts.sum(axis=0) - counts)[speaker, sentence]
    of_others[~known] = 0
    predicted = np.argmax(of_others * len(rows) + (totals.sum(axis=0) - totals)[speaker], axis=1)
    correct = (predicted == target)[codes]
    return pd.Series(correct, index=rows.index).groupby([rows["seed"], rows["fold"]]).mean()


def _is_by_speaker(rows):
    folds = rows.groupby(["seed", rows["speaker"].astype(str)])["fold"].nunique()
    return bool(folds.max() == 1 and rows["fold"].nunique() > 1 and rows["speaker"].nunique() > 1)
