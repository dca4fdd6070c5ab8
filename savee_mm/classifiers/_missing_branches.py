"""Clips that a branch of a fusion does not predict, because a modality or value is missing: reasons and warnings."""

import warnings

import pandas as pd

from savee_mm._missing import is_missing, missing_reason
from savee_mm._validation import ClipWarning

_MODALITIES = ("audio", "video")


def missing_values(branch, table, columns, names):
    """Return the clips that have no value in one of the columns that a branch reads.

    Parameters
    ----------
    branch : str
        Name of the branch.
    table : DataFrame
        The clips.
    columns : list of str
        Columns that the branch reads.
    names : sequence of str
        Names of the clips, as of :func:`clip_names`.

    Returns
    -------
    failures : list of tuple
        Branch, clip_id, path (None) and reason, one for each clip.
    """
    reasons = pd.Series([None] * len(table), dtype=object)
    for column in reversed(columns):
        if column in table.columns:
            values = table[column].reset_index(drop=True)
            empty, what = (values.isna() | (values.astype(object) == "")).astype(bool), "no value in the column"
        else:
            empty, what = reasons.isna() | reasons.notna(), "the table has no column"
        what = f"{what} {column!r}"
        reasons[empty] = missing_reason(column, what) if column in _MODALITIES else what
    return [(branch, names[row], None, reason) for row, reason in reasons.dropna().items()]


def warn_of_missing(failures, n_clips, stacklevel):
    """Warn of branches for which all clips are missing, and of clips whose files hold nothing.

    A single clip without a value is no reason for a warning, because the table shows it.

    Parameters
    ----------
    failures : list of tuple
        Branch, clip_id, path and reason of clips that a branch does not predict, or is not fitted to.
    n_clips : int
        Number of clips.
    stacklevel : int
        Of the warning, as in :func:`warnings.warn`, for a call from the caller of this function.

    Warns
    -----
    ClipWarning
        One for each such branch.
    """
    by_branch = {}
    for branch, *failure in failures:
        by_branch.setdefault(branch, []).append(failure)
    for branch, clips in by_branch.items():
        files = [(clip_id, path, reason) for clip_id, path, reason in clips if path and is_missing(reason)]
        if len(clips) == n_clips:
            message = f"{n_clips} of {n_clips} clips are missing for branch {branch!r}: {clips[0][2]}"
        elif files:
            clip_id, path, reason = files[0]
            message = (
                f"{len(files)} of {n_clips} clips are missing for branch {branch!r}; see failed_clips_. First: clip "
                f"{clip_id!r} ({path}): {reason}"
            )
        else:
            continue
        warnings.warn(f"{message}. The other branches are used.", ClipWarning, stacklevel=stacklevel + 1)
