"""What the two sides of a split share."""

import numpy as np

from savee_mm.evaluation.leakage_report import Finding

_REMEDY = {
    "rows": "the two sides must not overlap",
    "clip": "keep copies on one side: split by clip (protocol 'clip', or groups=data['clip_id'])",
    "source": "give all copies of a recording its clip_id, and split by it",
    "audio": "leave the doubles out, or give them one clip_id and split by it",
    "speaker": "split by speaker (protocol 'speaker' or 'speaker+sentence')",
    "sentence": "split by text (protocol 'sentence' or 'speaker+sentence')",
    "groups": "take a splitter that reads groups, such as StratifiedGroupKFold",
}
_NOUNS = {
    "rows": "row",
    "clip": "clip",
    "source": "recording",
    "audio": "recording",
    "speaker": "speaker",
    "sentence": "text",
    "groups": "group",
}
_MORE = {"source": " under several names", "audio": " in several files, equal or equal by fingerprint"}


def shared_rows(folds):
    """Return the finding of rows that are trained on and tested in one fold, in a list that may be empty."""
    per_fold = [np.intersect1d(train, test) for train, test in folds]
    return _findings("rows", per_fold, None)


def shared_values(kind, relation, folds, *, told_by=None):
    """Find what stands on both sides.

    Parameters
    ----------
    kind : str
        What the relation is called.
    relation : Relation
        Codes and names.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.
    told_by : ndarray of int, default=None
        Codes of rows that are known to belong together: what they have in common was said already.

    Returns
    -------
    findings : list of Finding
        One, or none.
    """
    codes = relation.codes
    per_fold, values = [], set()
    for train, test in folds:
        both = np.intersect1d(codes[train], codes[test])
        both = both[both >= 0]
        if told_by is not None:
            both = _untold(both, codes, told_by, train, test)
        values.update(both.tolist())
        rows = np.union1d(train, test)
        per_fold.append(rows[np.isin(codes[rows], both)])
    return _findings(kind, per_fold, [relation.names[value] for value in sorted(values)])


def _untold(both, codes, told_by, train, test):
    """Return the codes of which the rows on the two sides are not all known to belong together."""
    rows = np.concatenate([train, test])
    rows = rows[np.isin(codes[rows], both)]
    pairs = np.unique(np.column_stack([codes[rows], told_by[rows]]), axis=0)
    values, counts = np.unique(pairs[:, 0], return_counts=True)
    return values[counts > 1]


def _findings(kind, per_fold, names):
    """Return the one finding of rows by fold; ``names`` of what is shared, None where the rows are."""
    folds = tuple(number for number, rows in enumerate(per_fold) if len(rows))
    if not folds:
        return []
    rows = tuple(np.unique(np.concatenate(per_fold)).astype(int).tolist())
    names = list(rows) if names is None else names
    shown = ", ".join(map(str, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    noun = _NOUNS.get(kind, f"{kind!r} value")
    what = f"{len(names)} {noun}" + "s" * (len(names) != 1)
    where = f"on both sides{_MORE.get(kind, '')}, in {len(folds)} of {len(per_fold)} folds"
    return [Finding(kind, f"{what} {where}: {shown}; {_REMEDY.get(kind, 'split by it')}", rows, folds)]
