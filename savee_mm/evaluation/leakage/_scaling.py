"""Find numbers that were standardised, whitened or scaled over all rows before the split."""

import numpy as np

from savee_mm.evaluation.leakage.report import Finding

# Tolerance of mean and deviation, which allows for a table that was written with few decimals.
_CLOSE = 1e-4
# Extremes, medians and quartiles are exact up to rounding in single precision.
_EXACT = 1e-6
_FEWEST_ROWS = 8


def standardised_findings(numbers, folds):
    """Find columns that are scaled over all rows, but not over the training rows alone.

    Parameters
    ----------
    numbers : dict of str to ndarray of shape (n_rows, ...)
        Values by name.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.

    Returns
    -------
    findings : list of Finding
        At most one for each array, of kind "standardised".
    notes : list of str
        Values that were standardised within speakers or other groups that no fold splits.
    """
    findings, notes = [], []
    for name, values in numbers.items():
        if len(values) < _FEWEST_ROWS:
            continue
        columns = values.reshape(len(values), -1)
        for scaling, is_scaled in _SCALINGS.items():
            n_scaled, affected = _scaled_columns(columns, is_scaled, folds)
            if affected:
                which = f"{n_scaled} of {columns.shape[1]} columns of {name} have {scaling}"
                findings.append(_finding(which, len(values), affected, len(folds)))
                break
            if n_scaled and is_scaled is not _is_min_max:
                notes.append(
                    f"columns of {name} have {scaling} over all rows and over the training rows of every fold: they "
                    "were standardised by speaker or another group before the split, so that results are transductive"
                )
                break
        else:
            # Images are often standardised together, with one mean and one deviation.
            affected = _standardised_whole(values, folds) if values.ndim > 2 else ()
            if affected:
                findings.append(_finding(f"{name} has mean 0 and deviation 1", len(values), affected, len(folds)))
    return findings, notes


def _finding(which, n_rows, affected, n_folds):
    return Finding(
        "standardised",
        f"{which} over all rows, but not over the training rows of {len(affected)} of {n_folds} folds: a step before "
        "the split was fitted to test rows; put it into a Pipeline, which fits it to training rows",
        tuple(range(n_rows)),
        affected,
    )


def _scaled_columns(values, is_scaled, folds):
    """Return the number of columns that are scaled over all rows, and the folds in whose training rows some are not."""
    columns = np.flatnonzero(_in_blocks(is_scaled, values))
    chosen = values[:, columns]
    affected = [len(columns) and not _in_blocks(is_scaled, chosen[train]).all() for train, _ in folds]
    return len(columns), tuple(np.flatnonzero(affected).tolist())


def _standardised_whole(values, folds):
    """Return the folds whose training rows together are not standardised, if all rows together are."""
    if not _is_standard(values.reshape(-1, 1)).all():
        return ()
    affected = [not _is_standard(values[train].reshape(-1, 1)).all() for train, _ in folds]
    return tuple(np.flatnonzero(affected).tolist())


def _in_blocks(is_scaled, values, size=4096):
    """Apply ``is_scaled`` to blocks of columns in double precision, because images have many columns."""
    starts = range(0, max(values.shape[1], 1), size)
    return np.concatenate([is_scaled(values[:, i : i + size].astype(np.float64)) for i in starts])


def _is_standard(values):
    mean, deviation = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    # scikit-learn's StandardScaler has n in the denominator; pandas and PCA(whiten=True) have n - 1.
    unbiased = deviation * np.sqrt(len(values) / max(len(values) - 1, 1))
    one = (np.abs(deviation - 1) <= _CLOSE) | (np.abs(unbiased - 1) <= _CLOSE)
    return (np.abs(mean) <= _CLOSE) & one & _is_continuous(values)


def _is_centred(values):
    """Find columns of mean zero; a single column may be so by chance."""
    found = (np.abs(values.mean(axis=0)) <= _EXACT * values.std(axis=0)) & _is_continuous(values)
    return found & (found.sum() >= max(2, values.shape[1] / 2))


def _is_min_max(values):
    low, high = values.min(axis=0), values.max(axis=0)
    bounds = ((np.abs(low) <= _EXACT) | (np.abs(low + 1) <= _EXACT)) & (np.abs(high - 1) <= _EXACT)
    # The extremes of a natural proportion occur in several rows.
    once = ((values == low).sum(axis=0) == 1) & ((values == high).sum(axis=0) == 1)
    return bounds & once & _is_continuous(values)


def _is_robust(values):
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    return (np.abs(middle) <= _EXACT) & (np.abs(high - low - 1) <= _EXACT) & _is_continuous(values)


def _is_continuous(values):
    """Find columns of measurements, as opposed to counts and codes."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(values).all(axis=0) & (values != np.round(values)).any(axis=0)


_SCALINGS = {
    "mean 0 and deviation 1": _is_standard,
    "mean 0": _is_centred,
    "median 0 and quartiles 1 apart": _is_robust,
    "0 or -1 as smallest and 1 as largest value": _is_min_max,
}
