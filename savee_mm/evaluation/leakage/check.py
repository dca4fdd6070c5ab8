"""Check a cross-validation for leakage between training and test clips."""

import os
import re
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils import check_random_state

from savee_mm._validation import Clips, as_table
from savee_mm.evaluation.leakage._estimator import fitted_findings, permutation_findings
from savee_mm.evaluation.leakage._labels import LabelColumns
from savee_mm.evaluation.leakage._relations import Relation, Relations, shared_rows, shared_values
from savee_mm.evaluation.leakage._scaling import standardised_findings
from savee_mm.evaluation.leakage.report import LeakageReport, join_reports
from savee_mm.model_selection import PROTOCOLS, make_splitter

FORBIDDEN = ("clip", "source", "audio")
"""Relations that are not allowed across the sides of a split by default."""

# In this order each leak is reported once: copies with one clip_id also share their file and their sound.
_RECORDINGS = ("clip", "source", "audio")
_NOTED = ("speaker", "sentence", "file")
# Default sample rate (Hz) of arrays; it matters only that it is equal for all.
_ARRAY_SR = 16000
# Speaker and sentence in file names of CREMA-D, RAVDESS, EmoDB and eNTERFACE.
_NAME_PATTERNS = (
    r"(?<!\d)(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_[A-Z]{3}_[A-Z]{1,2}(?=\.|$)",
    r"(?<!\d)\d\d-\d\d-\d\d-\d\d-(?P<sentence>\d\d)-\d\d-(?P<speaker>\d\d)(?=\.|$)",
    r"(?<![A-Za-z0-9])(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)[A-Z][a-z]?(?=\.|$)",
    r"subject (?P<speaker>\d+)[/\\](?P<sentence>[a-z]+[/\\]sentence \d)[/\\]",
    r"(?<![A-Za-z0-9])s_?(?P<speaker>\d{1,2})_(?P<sentence>[a-z]{2}_\d)(?=\.|$)",
)


def check_leakage(
    estimator: BaseEstimator | None,
    data: Clips | np.ndarray,
    y: ArrayLike,
    splitter: str | BaseCrossValidator | int | Iterable[tuple[ArrayLike, ArrayLike]],
    groups: ArrayLike | None = None,
    *,
    forbid: Sequence[str] = FORBIDDEN,
    label_columns: Sequence[str] = (),
    permutation: bool | int = False,
    input_sr: float = _ARRAY_SR,
    cache: str | os.PathLike[str] | None = "memory",
    random_state: int | np.random.RandomState | None = 0,
) -> LeakageReport:
    """Check for leaks, which make test results better than they would be on new clips.

    Parameters
    ----------
    estimator : estimator or None
        The estimator to cross-validate; its parts are checked. When None, only the data are checked.
    data : DataFrame, ndarray of shape (n_rows, ...), or list of paths, Segments or 1-D arrays
        The clip table that is split, or arrays computed from it. Augmented copies are rows.
    y : array-like of shape (n_rows,)
        The classes.
    splitter : str, cross-validator, int or iterable of (train, test)
        A protocol by its name (``"clip"``, ``"speaker"``, ``"sentence"``, ``"speaker+sentence"``, ``"corpus"``), a
        ``cv`` of scikit-learn, or the folds as positions of rows.
    groups : array-like of shape (n_rows,), default=None
        Passed to the splitter; a group should not be on both sides.
    forbid : sequence of str, default=("clip", "source", "audio")
        Relations that are not allowed across the sides: ``"clip"`` (column ``clip_id``), ``"source"`` (copies of one
        recording: one file under several names, a column ``source_clip_id`` or ``source``, names such as
        ``a01_noise``, segments of one file that overlap, equal rows of an array), ``"audio"`` (equal or nearly equal
        sound, by fingerprint), ``"speaker"``, ``"sentence"``, ``"file"`` (segments of one long file, also if they do
        not overlap), and any other column of the table. A protocol adds its own.
    label_columns : sequence of str, default=()
        Columns of the table that have labels, such as ``label_columns`` of :func:`~savee_mm.load_table`. Other columns
        that determine the class are found by their mutual information with ``y``.
    permutation : bool or int, default=False
        Number of cross-validations with shuffled classes, whose accuracy should be at chance; True is one. Copies keep
        a common class.
    input_sr : float, default=16000
        Sample rate (Hz) of sounds that are passed as arrays.
    cache : "memory", path-like or None, default="memory"
        Where to keep fingerprints, by content: in this process, in a folder, or not at all.
    random_state : int, RandomState instance or None, default=0
        Seed of the shuffled classes.

    Returns
    -------
    report : LeakageReport
        Its length is the number of findings. Their kinds are those of ``forbid``, and ``"rows"`` (rows on both sides of
        a fold), ``"groups"``, ``"fitted"`` (a part of the estimator is fitted), ``"standardised"`` (numbers were
        standardised, whitened or scaled over all rows), ``"class"`` (a column that the estimator reads determines the
        class) and ``"permutation"``. Notes are speakers, sentences and files of segments on both sides if they are not
        in ``forbid``, columns that identify the speaker, and clips that could not be compared.

    Raises
    ------
    ValueError
        For ``y`` or ``groups`` of another length than ``data``, an unknown name in ``forbid`` or of a protocol, folds
        that are not positions of rows, a splitter that cannot split, or ``permutation`` without an estimator.

    See Also
    --------
    evaluate : Cross-validate, after this check.

    Notes
    -----
    The check does not find: statistics of test clips in your own cache, choices that were made on test folds
    (features, epochs, systems), copies with another pitch or tempo in new files with unrelated names, and excerpts
    shorter than about half a second.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import KFold
    >>> from savee_mm import check_leakage
    >>> table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(8)], "speaker": list("AABBCCDD")})
    >>> table = pd.concat([table, table], ignore_index=True)  # every clip twice
    >>> emotion = np.tile(["anger", "fear"], 8)
    >>> [finding.kind for finding in check_leakage(DummyClassifier(), table, emotion, KFold(4, shuffle=True))]
    ['clip']
    >>> [len(check_leakage(DummyClassifier(), table, emotion, protocol)) for protocol in ("clip", "speaker")]
    [0, 0]
    """
    y, data = np.asarray(y), as_table(data)
    _check_lengths(data, y, groups)
    if permutation and estimator is None:
        raise ValueError("permutation trains the estimator, which is None: pass the estimator that is evaluated.")
    relations = Relations(data, cache=cache, input_sr=input_sr)
    folds = make_folds(splitter, data, y, groups)
    report = check_folds(relations, y, folds, forbid=(*forbid, *promised(splitter)), groups=groups)
    labels, label_notes = LabelColumns(relations, y, label_columns).findings(estimator)
    findings = [*report.findings, *labels, *fitted_findings(estimator)]
    notes = [*report.notes, *label_notes, *relations.notes]
    if permutation:
        more, more_notes = permutation_findings(
            estimator,
            data,
            y,
            folds,
            relations.recordings(),
            n_runs=int(permutation),
            rng=check_random_state(random_state),
        )
        findings, notes = findings + more, notes + more_notes
    return LeakageReport(findings, notes)


def check_split(
    train: pd.DataFrame | Sequence[str | os.PathLike[str]],
    test: pd.DataFrame | Sequence[str | os.PathLike[str]],
    *,
    pattern: str | None = None,
    forbid: Sequence[str] = (*FORBIDDEN, "speaker", "sentence"),
    cache: str | os.PathLike[str] | None = "memory",
) -> LeakageReport:
    r"""Check a given split: find clips, recordings, speakers and sentences that are on both sides.

    Parameters
    ----------
    train, test : DataFrame, or list of paths
        The two sides: clip tables, or lists of files. The files are compared if they exist.
    pattern : str, default=None
        Regular expression with groups named ``speaker``, ``sentence``, ``clip_id`` or any other name, which is searched
        in each path of a list. When None, names of CREMA-D, RAVDESS, EmoDB and eNTERFACE are recognised.
    forbid : sequence of str, default=("clip", "source", "audio", "speaker", "sentence")
        Relations that are not allowed across the sides, see :func:`check_leakage`; unknown ones are ignored.
    cache : "memory", path-like or None, default="memory"
        Where to keep fingerprints.

    Returns
    -------
    report : LeakageReport
        ``rows`` of a finding are positions in the training rows followed by the test rows.

    Raises
    ------
    ValueError
        If a side is empty, if one side is a table and the other a list, or if ``pattern`` does not match a path.

    Examples
    --------
    >>> from savee_mm import check_split
    >>> train, test = ["1001_DFA_ANG_XX.wav", "1002_IEO_SAD_LO.wav"], ["1001_TIE_HAP_XX.wav", "1003_IEO_FEA_HI.wav"]
    >>> for finding in check_split(train, test):
    ...     print(finding.message.partition(";")[0])
    clips of 1 speaker are on both sides of the split: 1001
    clips of 1 sentence are on both sides of the split: IEO
    """
    train, test = as_table(train), as_table(test)
    if isinstance(train, pd.DataFrame) != isinstance(test, pd.DataFrame):
        raise ValueError(f"Expected two tables or two lists, got {type(train).__name__} and {type(test).__name__}.")
    if not len(train) or not len(test):
        raise ValueError(f"Expected clips on both sides, got {len(train)} training and {len(test)} test clips.")
    if isinstance(train, pd.DataFrame):
        data = pd.concat([train, test], ignore_index=True)
    else:
        data = _read_names([os.fspath(path) for path in (*train, *test)], pattern)
    relations = Relations(data, cache=cache, input_sr=_ARRAY_SR)
    rows = np.arange(len(data))
    known = [kind for kind in forbid if relations.has(kind)]
    report = check_folds(relations, rows, [(rows[: len(train)], rows[len(train) :])], forbid=known)
    return LeakageReport(report.findings, [*report.notes, *relations.notes])


def _read_names(paths, pattern):
    """Return a table of paths, with the named groups of a pattern as columns."""
    known = [re.compile(pattern)] if pattern else [re.compile(text) for text in _NAME_PATTERNS]
    for expression in known:
        matches = [expression.search(path) for path in paths]
        if all(matches):
            return pd.DataFrame({"audio": paths, **pd.DataFrame([match.groupdict() for match in matches])})
    if pattern:
        path = next(path for path, match in zip(paths, matches, strict=True) if not match)
        raise ValueError(f"pattern {pattern!r} does not match {path!r}: pass one that matches every path.")
    return pd.DataFrame({"audio": paths})


def check_folds(relations, y, folds, *, forbid=FORBIDDEN, groups=None):
    """Check one list of folds; see :func:`check_leakage`.

    Parameters
    ----------
    relations : Relations
        Relations of the data.
    y : ndarray of shape (n_rows,)
        The classes.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.
    forbid : sequence of str
        Relations that are not allowed across the sides.
    groups : array-like, default=None
        Groups that were passed to the splitter.

    Returns
    -------
    report : LeakageReport
        Without the notes of the relations.
    """
    forbid = list(dict.fromkeys(forbid))
    _check_forbidden(forbid, relations)
    findings, notes = shared_rows(folds), []
    reported = []
    for kind in (*(k for k in _RECORDINGS if k in forbid), *(k for k in forbid if k not in _RECORDINGS)):
        if not relations.has(kind):
            continue  # a table without clip_id
        known = relations.recordings(reported) if kind in _RECORDINGS else None
        findings += shared_values(kind, relations.get(kind), folds, known=known)
        reported += [kind] if kind in _RECORDINGS else []
    findings += _group_findings(groups, folds)
    for kind in _NOTED:
        if kind not in forbid and relations.has(kind):
            notes += [_as_note(kind, finding) for finding in shared_values(kind, relations.get(kind), folds)]
    scaled, scaling_notes = standardised_findings(relations.numbers(), folds)
    return LeakageReport(findings + scaled, [*notes, *scaling_notes])


def check_jobs(jobs, data, y, protocols, *, groups=None, label_columns=(), verbose=False):
    """Check the folds of an evaluation before they run.

    Parameters
    ----------
    jobs : list of Job
        Of all systems, protocols and seeds.
    data : DataFrame, ndarray or list
        The clips.
    y : ndarray of shape (n_rows,)
        The classes.
    protocols : dict of str to (str or splitter)
        The protocols by the names in ``jobs``.
    groups : array-like of shape (n_rows,), default=None
        Groups that the caller passed.
    label_columns : sequence of str, default=()
        See :func:`check_leakage`.
    verbose : bool, default=False
        Whether to show a progress bar over the sounds.

    Returns
    -------
    report : LeakageReport
        ``where`` of a finding is protocol and seed, or the system.
    """
    relations = Relations(data, cache="memory", input_sr=_ARRAY_SR, verbose=verbose)
    splits, systems = {}, {}
    for job in jobs:
        splits.setdefault((job.protocol, job.seed), {})[job.fold] = (job.train, job.test)
        systems[job.system] = job.estimator
    reports, seen = [], {}
    for (protocol, seed), folds in splits.items():
        folds = [folds[number] for number in sorted(folds)]
        # A deterministic protocol has the same folds for every seed.
        if any(_same_folds(folds, known) for known in seen.setdefault(protocol, [])):
            continue
        seen[protocol].append(folds)
        splitter = protocols[protocol]
        own = None if isinstance(splitter, str) else groups
        report = check_folds(relations, y, folds, forbid=(*FORBIDDEN, *promised(splitter)), groups=own)
        notes = [f"protocol {protocol!r}: {note}" for note in report.notes]
        reports.append(LeakageReport(_placed(report, f"protocol {protocol!r}, seed {seed}"), notes))
    labels = LabelColumns(relations, y, label_columns)
    for name, estimator in systems.items():
        found, notes = labels.findings(estimator)
        where = f"system {name!r}"
        findings = _placed([*found, *fitted_findings(estimator)], where)
        reports.append(LeakageReport(findings, [f"{where}: {note}" for note in notes]))
    return join_reports([*reports, LeakageReport([], relations.notes)])


def _placed(findings, where):
    return [finding._replace(where=where) for finding in findings]


def _same_folds(first, second):
    sides = [(a, b) for one, other in zip(first, second, strict=False) for a, b in zip(one, other, strict=True)]
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in sides)


def promised(splitter):
    """Return the columns that a protocol keeps on one side, by its name or splitter."""
    names = [name for name, kind in PROTOCOLS.items() if splitter is name or type(splitter) is kind]
    if isinstance(splitter, str):
        names = [splitter]
    return tuple(part for name in names for part in name.split("+"))


def make_folds(splitter, data, y, groups=None):
    """Return the folds of a splitter as checked arrays of positions.

    Parameters
    ----------
    splitter, data, y, groups
        See :func:`check_leakage`.

    Returns
    -------
    folds : list of (ndarray, ndarray)

    Raises
    ------
    ValueError
        If a side is empty or not positions of rows, and from the splitter itself.
    """
    splitter = make_splitter(splitter) if isinstance(splitter, str) else check_cv(splitter, y, classifier=True)
    if groups is not None and pd.isna(np.asarray(groups, dtype=object)).any():
        missing = np.flatnonzero(pd.isna(np.asarray(groups, dtype=object)).reshape(len(groups), -1).any(axis=1))
        raise ValueError(
            f"groups is missing for {len(missing)} of {len(groups)} rows, the first in row {missing[0]}. Fill it in, "
            "or drop these rows: a clip without a group may belong to any side."
        )
    with warnings.catch_warnings():
        # Groups on both sides are a finding.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored", category=UserWarning)
        folds = list(splitter.split(data, y, groups))
    if not folds:
        raise ValueError("The splitter yields no fold; pass a cross-validator, or pairs of training and test rows.")
    return [tuple(_positions(side, len(y), number) for side in fold) for number, fold in enumerate(folds)]


def _positions(side, n_rows, number):
    side = np.asarray(side)
    if side.dtype == bool and len(side) == n_rows:
        side = np.flatnonzero(side)
    if not len(side) or not np.issubdtype(side.dtype, np.integer) or side.min() < 0 or side.max() >= n_rows:
        raise ValueError(
            f"Expected both sides of fold {number} to be positions of rows from 0 to {n_rows - 1}, at least one each; "
            f"got {len(side)} values of type {side.dtype}"
            + (f" from {side.min()} to {side.max()}." if len(side) and side.dtype.kind in "iuf" else ".")
        )
    return side


def _check_lengths(data, y, groups):
    for name, values in (("y", y), ("groups", groups)):
        if values is not None and len(values) != len(data):
            raise ValueError(
                f"{name} has {len(values)} entries for {len(data)} rows of data: pass one for each row, including "
                "augmented copies."
            )


def _check_forbidden(forbid, relations):
    for kind in forbid:
        # "clip" is a default, and may lack its column.
        if kind != "clip" and not relations.has(kind):
            raise ValueError(
                f"forbid has {kind!r}, which is neither one of {', '.join(_RECORDINGS)} nor a column of the data; the "
                f"columns are {list(map(str, relations.columns))}."
            )


def _group_findings(groups, folds):
    """Return findings of groups on both sides, because a splitter may ignore its groups."""
    if groups is None:
        return []
    values = np.asarray(groups)
    findings = []
    for column in values.reshape(len(values), -1).T:
        names, codes = np.unique(column.astype(str), return_inverse=True)
        findings += shared_values("groups", Relation(codes, names), folds)
    return findings


def _as_note(kind, finding):
    return f"{finding.message.rpartition(';')[0]} ({kind!r} is not forbidden)"
